import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newRequest } from '../simulator/adr/request.ts';
import { Authority } from '../simulator/ca.ts';

/** The samples of azure-sdk-for-c, which are told by their environment, too. */
export const EMBEDDED = { dps: 'paho_iot_provisioning_csr_sample', hub: 'paho_iot_hub_csr_sample' };
/** Microsoft's end-to-end test of both, which is told by its environment. */
export const LIFECYCLE = { file: 'prov_x509_csr_client_e2e_exe', id: 'csr-lifecycle' };
/** What the samples of azure-iot-sdk-c are told by hand: names that the test serves, and identities of one CA. */
export const SAMPLES = {
  dps: { file: 'prov_dev_client_ll_x509_csr_sample', id: 'csr-sample' },
  hub: { file: 'iothub_ll_client_sample_certificate_signing_request', id: 'renewal-sample' },
} as const;
export const HOST = 'newleaf-test.azure-devices.net';
export const ID_SCOPE = '0ne00000000';

/** A string literal of C, a line for each of the text. */
const literal = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `"${line}\\n"`)
    .join('\n');

/** The variables of a sample, by the names that it gives them. */
async function valuesOf(ca: Authority, id: string, names: readonly string[]): Promise<string> {
  const { key, cert } = await ca.clientIdentity(id);
  const { csr, key: requestKey } = await newRequest(id);
  const [certificate, privateKey, request, requestedKey] = names;
  return [
    `static const char* ${certificate} =\n${literal(cert)};`,
    `static const char* ${privateKey} =\n${literal(key)};`,
    `static const char* ${request} = "${csr}";`,
    `static const char* ${requestedKey} =\n${literal(requestKey)};`,
  ].join('\n');
}

/** Writes `ca.pem`, which the test trusts, and a file for each sample with what its readme has one fill in. */
export async function writeValues(directory: string): Promise<void> {
  const ca = await Authority.create('samples', 0);
  const { dps, hub } = SAMPLES;
  const certificates = ['x509certificate', 'x509privatekey', 'certificate_signing_request'];
  const ofDps = await valuesOf(ca, dps.id, [...certificates, 'certificate_signing_request_private_key']);
  const ofHub = await valuesOf(ca, hub.id, [...certificates, 'csrPrivateKey']);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'ca.pem'), ca.rootPem);
  writeFileSync(
    join(directory, `${dps.file}.txt`),
    `static const char* id_scope = "${ID_SCOPE}";\nstatic const char* registration_id = "${dps.id}";\n${ofDps}\n`,
  );
  writeFileSync(
    join(directory, `${hub.file}.txt`),
    `static const char* connectionString = "HostName=${HOST};DeviceId=${hub.id};x509=true";\n${ofHub}\n`,
  );
}

const [, main, directory] = process.argv;
if (main === import.meta.filename && directory !== undefined) await writeValues(directory);
