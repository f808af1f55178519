import type { Endpoints } from '../../simulator/api.ts';

/** /etc/aziot/config.toml, as its documentation has it (aziotctl/config/unix/template.toml), and a section of IoT Edge. */
export function aziotConfig(at: Endpoints, id: string, leaf: string, key: string): string {
  const { idScope, dps, est, estUsername, estPassword } = at;
  return `[provisioning]
source = "dps"
global_endpoint = "https://${dps}/"
id_scope = "${idScope}"

[provisioning.attestation]
method = "x509"
registration_id = "${id}"
identity_pk = "${key}"
identity_cert = "file://${leaf}"

[cert_issuance.est]
trusted_certs = ["file:///etc/newleaf/est-ca.pem"]

[cert_issuance.est.auth]
username = "${estUsername}"
password = "${estPassword}"

[cert_issuance.est.urls]
default = "${est}"

[aziot_keys]
pkcs11_lib_path = "/usr/lib/softhsm/libsofthsm2.so"
pkcs11_base_slot = "pkcs11:token=aziot?pin-value=4711"

[agent]
name = "edgeAgent"
type = "docker"
`;
}
