import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aziotPlace, incumbentIn } from '../../../../../agent/cli/init/adopt/aziot.ts';
import { failureOf } from '../../../../../agent/failure/failure-of.ts';

/** As aziotctl/config/unix/template.toml of Azure/iot-identity-service has it. */
const DPS = `[provisioning]
source = "dps"
global_endpoint = "https://global.azure-devices-provisioning.net/"
id_scope = "0ab1234C5D6"
`;
const X509 = `${DPS}
[provisioning.attestation]
method = "x509"
registration_id = "my-device"
`;
const FILES = `${X509}
identity_cert = "file:///var/secrets/device-id.pem"
identity_pk = "file:///var/secrets/device-id.key.pem"
`;
const ISSUED = `${X509}
[provisioning.attestation.identity_cert]
method = "est"
common_name = "my-device"

[provisioning.attestation.identity_cert.auto_renew]
rotate_key = true
threshold = "80%"
retry = "4%"
`;
const EST = `
[cert_issuance.est]
trusted_certs = [
    "file:///var/secrets/est-id-ca.pem",
]

[cert_issuance.est.auth]
username = "estuser"
password = "estpwd"
bootstrap_identity_cert = "file:///var/secrets/est-bootstrap-id.pem"
bootstrap_identity_pk = "pkcs11:slot-id=0;object=est-bootstrap-id?pin-value=1234"

[cert_issuance.est.urls]
default = "https://example.org/.well-known/est"
`;
const KEYS = `
[aziot_keys]
pkcs11_lib_path = "/usr/lib/libmypkcs11.so"
pkcs11_base_slot = "pkcs11:slot-id=0?pin-value=1234"
`;

const IDENTITY = {
  'id-scope': '0ab1234C5D6',
  endpoint: 'global.azure-devices-provisioning.net',
  'registration-id': 'my-device',
  attestation: 'x509',
};

test('a key and a leaf in files', () => {
  const { flags, leaf, key, lost, isEdge, pin } = incumbentIn(FILES);
  assert.deepEqual(Object.fromEntries(flags), IDENTITY);
  assert.deepEqual(
    [leaf, key, lost, isEdge, pin],
    ['/var/secrets/device-id.pem', { file: '/var/secrets/device-id.key.pem' }, [], false, undefined],
  );
});

test('a key in a token, with the PIN in its URI; EST by password and bootstrap identity', () => {
  const uri = 'pkcs11:token=device;object=device%20id?pin-value=1234';
  const text = FILES.replace('file:///var/secrets/device-id.key.pem', uri) + EST + KEYS;
  const { flags, key, pin, estPassword } = incumbentIn(text);
  assert.deepEqual(Object.fromEntries(flags), {
    ...IDENTITY,
    module: '/usr/lib/libmypkcs11.so',
    issuer: 'est',
    'est-url': 'https://example.org/.well-known/est',
    'est-ca': '/var/secrets/est-id-ca.pem',
    'est-user': 'estuser',
    'bootstrap-cert': '/var/secrets/est-bootstrap-id.pem',
    'bootstrap-key': 'pkcs11:object=est-bootstrap-id',
    token: 'device',
  });
  assert.deepEqual(key, { uri: 'pkcs11:token=device;object=device%20id', token: 'device', pin: '1234' });
  assert.deepEqual([pin, estPassword], ['1234', 'estpwd']);
});

test('an issued leaf: where keyd and certd keep what they have made', () => {
  // printf device-id | sha256sum
  const name = 'deviceid-bd732105ef89cf8edd2606a5309c8a26b7b5599a4e124a0fe6199b6b2f60e655';
  const inFiles = incumbentIn(ISSUED + EST);
  assert.equal(inFiles.leaf, `/var/lib/aziot/certd/certs/${name}.cer`);
  assert.deepEqual(inFiles.key, { file: `/var/lib/aziot/keyd/keys/${name}.key` });
  assert.equal(inFiles.flags.get('renew-at'), '80%');
  const { key, pin } = incumbentIn(ISSUED + EST + KEYS);
  assert.deepEqual([key, pin], [{ uri: 'pkcs11:object=device-id', token: undefined, pin: '1234' }, '1234']);
});

test('attestation by a TPM needs no leaf', () => {
  const { flags, leaf, key } = incumbentIn(
    `${DPS}[provisioning.attestation]\nmethod = "tpm"\nregistration_id = "my-device"\n`,
  );
  assert.equal(flags.get('attestation'), 'tpm');
  assert.deepEqual([leaf, key], [undefined, undefined]);
});

test('what cannot be taken over is refused, with the reason and the way', () => {
  const rows: readonly (readonly [text: string, sentence: RegExp, help?: RegExp])[] = [
    [DPS.replace('"dps"', '"manual"'), /made by hand in its hub \(source = "manual"\)/],
    [
      `${DPS}[provisioning.attestation]\nmethod = "symmetric_key"\nsymmetric_key = { value = "c2VjcmV0" }\n`,
      /symmetric key/,
    ],
    [`${DPS}[provisioning.attestation]\nmethod = "other"\n`, /has the method "other"/],
    [
      `parent_hostname = "my-parent"\n${FILES}`,
      /through another one \(parent_hostname = "my-parent", nested edge\)/,
      /take parent_hostname out/,
    ],
    [
      `local_gateway_hostname = "my-parent"\n${FILES}`,
      /local_gateway_hostname = "my-parent", nested edge/,
      /take local_gateway_hostname out/,
    ],
    ['[[principal]]\nuid = 1\n', /no configuration that newleaf knows/],
    [
      '[provisioning\nsecret = "c2VjcmV0"',
      /:1: the closing bracket of the section is missing: write it as \[provisioning\]\. Nothing was touched\./,
      /^Correct it there, and run the same `newleaf init` again\.$/,
    ],
    [
      FILES.replace('file:///var/secrets/device-id.key.pem', 'c2VjcmV0'),
      /identity_pk is neither a file: nor a pkcs11: URI/,
      /^Correct it there, and/,
    ],
  ];
  for (const [text, sentence, help = /\S/] of rows) {
    assert.throws(
      () => incumbentIn(text),
      (error) => {
        const { code, message, advice } = failureOf(error);
        assert.match(advice, help);
        assert.doesNotMatch(advice, /systemctl restart newleaf/, 'the file is not that of newleaf');
        assert.equal(code, 'NL-CONFIG');
        assert.match(message, sentence);
        assert.match(message, /Nothing was touched\.$/);
        assert.doesNotMatch(message, /c2VjcmV0/, 'a secret is not shown');
        return true;
      },
    );
  }
});

test('what ends with it is said', () => {
  const edge = `${FILES}\n[edge_ca]\nmethod = "est"\n[agent]\nname = "edgeAgent"\n[localid]\ndomain = "x"\n`;
  const additions = [
    { file: '/etc/aziot/identityd/config.d/app.toml', text: '[[principal]]\nuid = 1000\nname = "app"\n' },
  ];
  const { lost, isEdge } = incumbentIn(edge, additions);
  assert.equal(isEdge, true);
  const words = lost.join('\n');
  for (const one of [/modules \(containers\)/, /issues for modules and devices/, /local identities/, /app\.toml/]) {
    assert.match(words, one);
  }
  const local = incumbentIn(
    `${ISSUED.replace('"est"', '"local_ca"')}\n[cert_issuance.local_ca]\ncert = "file:///ca.pem"\n`,
  );
  assert.match(local.lost.join('\n'), /its local CA: newleaf has none/);
  assert.equal(local.flags.has('issuer'), false);
});

test('places', () => {
  assert.deepEqual(aziotPlace('file:///a%20b'), { file: '/a b' });
  assert.deepEqual(aziotPlace('pkcs11:slot-id=0?pin-value=1%2F2'), { uri: 'pkcs11:', token: undefined, pin: '1/2' });
  for (const wrong of ['', '/a', 'http://x/', 'pkcs11:object=%zz', 'file://host/a'])
    assert.equal(aziotPlace(wrong), undefined, wrong);
});
