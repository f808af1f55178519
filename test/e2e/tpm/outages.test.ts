import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { failureIn } from '../stage/ended.ts';
import { holds } from '../stage/holds.ts';
import { cut, serving } from '../stage/site.ts';
import { another, ID, tpmServing, tpmSite } from './site.ts';

test('no TPM: every command says so, and the daemon does not begin', async (t) => {
  const { gateway, swtpm } = await tpmSite(t);
  await swtpm.powerOff();
  for (const command of ['tpm', 'run']) {
    const ended = await gateway.command(command);
    assert.equal(ended.code, 1, command);
    const { code, sentence } = failureIn(ended);
    assert.equal(code, 'NL-TPM-MISSING', command);
    assert.match(sentence, /There is no TPM at 127\.\d+\.\d+\.\d+:2321 \(ECONNREFUSED\)\..*ls -l \/dev\/tpm/);
  }
  swtpm.powerOn();
  await gateway.start();
  await gateway.until(({ phase }) => phase === 'stranded');
});

test('a TPM that goes away while it serves ends no session; one that is lost waits for the TPM, and not for DPS', async (t) => {
  const { far, gateway, swtpm, session } = await tpmServing(t);
  await swtpm.powerOff();
  await cut(far);
  await gateway.log.waitFor({ event: 'failed', code: 'NL-TPM-MISSING' });
  const told = await gateway.command('status');
  assert.equal(told.code, 1);
  assert.match(told.out, /NL-TPM-MISSING/);
  swtpm.powerOn();
  await another(far, session);
  holds(await gateway.settled(), { phase: 'serving', online: true });
  assert.equal(far.log.registrations(ID), 1);
});

test('a TPM that was cleared has no key: the gateway registers again', async (t) => {
  const { far, gateway, swtpm, session } = await tpmServing(t);
  await swtpm.evict(0x81000100);
  await cut(far);
  await gateway.log.waitFor({ event: 'failed', code: 'NL-TPM-KEY' });
  await another(far, session);
  holds(await gateway.settled(), { last: { reason: 'rejected', outcome: 'done' } });
  assert.equal(far.log.registrations(ID), 2);
});

test('a state of the other attestation is refused, and nothing is sent or overwritten', async (t) => {
  const { far, gateway } = await serving(t);
  await gateway.stop();
  const other = await tpmSite(t);
  const seen = far.log.count({ event: 'tcp' });
  const state = (directory: string) => join(directory, 'state.json');
  mkdirSync(other.gateway.stateDirectory, { recursive: true });
  copyFileSync(state(gateway.stateDirectory), state(other.gateway.stateDirectory));
  const ended = await other.gateway.command('run');
  assert.equal(ended.code, 2);
  const { code, sentence } = failureIn(ended);
  assert.equal(code, 'NL-CONFIG');
  assert.match(sentence, /attestation "x509", and dps\.attestation is "tpm"\. .*move .*state\.json away/);
  assert.equal(far.log.count({ event: 'tcp' }), seen);
});
