import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { endJournal } from '../../../agent/state/journal.ts';
import { scratch } from '../../unit/state/disk.ts';
import { bench, newKey, PROGRAM } from './bench.ts';

test('decommission takes the key that DPS has sent, and leaves those of the TPM', async (t) => {
  const { swtpm, tpm, wrap } = await bench(t);
  await tpm.activate(wrap(newKey()));
  tpm.close();
  const directory = scratch(t);
  const state = join(directory, 'state');
  mkdirSync(state);
  const settings = {
    'dps.id_scope': '0ne00000000',
    'dps.registration_id': 'gw-0001',
    'dps.attestation': 'tpm',
    'tpm.device': swtpm.device,
    'state.directory': state,
    'control.socket': join(directory, 'control.sock'),
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  const file = join(directory, 'newleaf.toml');
  writeFileSync(file, lines.join(''));
  const [node = '', ...argv] = PROGRAM;
  const decommission = () => {
    const args = [...argv, 'decommission', '--yes', '--config', file];
    const { status, stdout, stderr } = spawnSync(node, args, { encoding: 'utf8', env: { ...process.env, LANG: 'C' } });
    return { code: status, out: stdout, err: stderr };
  };

  // As a power cut leaves it.
  await endJournal(state, Date.now());
  await swtpm.powerOff();
  const without = decommission();
  assert.equal(without.code, 1);
  assert.match(without.err, /^NL-TPM-\w+ [\s\S]*\sNothing\swas\sdestroyed\./);
  assert.deepEqual(readdirSync(state), ['daemon.lock', 'state.json']);

  swtpm.powerOn();
  const { code, out, err } = decommission();
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /destroys for good:\n {2}the key that DPS has sent to the TPM/);
  assert.match(out, /leaves alone:\n {2}the endorsement key and the storage root key/);
  assert.deepEqual(readdirSync(state), ['state.json']);
  assert.deepEqual((await swtpm.handles(tpm)).persistent, [0x81000001, 0x81010001]);
  assert.equal(decommission().code, 0, 'again is success');
});
