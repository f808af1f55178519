import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Official } from '../../clients/official.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import { bench } from './bench.ts';

const ID = 'gw-0001';

test('the official clients enroll a TPM, register by it, and connect: nothing of newleaf takes part', async (t) => {
  const far = await startSimulator();
  const { swtpm, tpm } = await bench(t);
  const { endorsementKey } = await tpm.identity();
  tpm.close();
  const official = await Official.start(far.endpoints.trustPem);
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-official-'));
  t.after(async () => {
    await official.stop();
    await far.close();
    rmSync(directory, { recursive: true });
  });

  const attestation = { type: 'tpm', tpm: { endorsementKey: endorsementKey.toString('base64') } };
  const dps = (method: string, ...args: unknown[]) =>
    official.call({ client: 'dps', connection: far.endpoints.dpsService, method, args });
  const enrollment = { registrationId: ID, attestation, provisioningStatus: 'enabled' };
  const twin = { properties: { desired: { site: 'north' } }, tags: {} };
  const made = await dps('createOrUpdateIndividualEnrollment', { ...enrollment, initialTwin: twin });
  assert.ok('value' in made, JSON.stringify(made));
  const read = (await dps('getIndividualEnrollment', ID)) as { value: { attestation: object } };
  assert.deepEqual(read.value.attestation, attestation);

  const trust = join(directory, 'trust.pem');
  writeFileSync(trust, far.endpoints.trustPem);
  const [tpmHost = '', tpmPort = ''] = swtpm.device.split(':');
  const [, dpsPort = ''] = far.endpoints.dps.split(':');
  const script = join(import.meta.dirname, 'official-device.ts');
  const argv = ['--import', 'tsx', script, tpmHost, tpmPort, dpsPort, far.endpoints.idScope, ID];
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: trust };
  const { stdout } = await promisify(execFile)(process.execPath, argv, { env, timeout: 30_000 });
  const { assignedHub, deviceId, desired } = JSON.parse(stdout);
  assert.deepEqual([assignedHub, deviceId, desired.site], [far.endpoints.hub1, ID, 'north']);
});
