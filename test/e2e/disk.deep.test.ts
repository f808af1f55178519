import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scratch } from '../unit/state/disk.ts';
import { tinyDisk } from '../unit/state/tiny-disk.ts';
import { fill } from './stage/fill.ts';
import { holds } from './stage/holds.ts';
import { PATIENCE_MS, patiently, serving } from './stage/site.ts';

const ID = 'gw-0001';

test('a full disk', async (t) => {
  const disk = tinyDisk(t);
  // A test within, so that the gateway is gone before its disk is.
  if (disk !== undefined)
    await t.test('no roll begins, and the gateway goes on serving', (inner) => story(inner, disk.path));
});

test('a disk that is read-only at the start: the gateway serves, and says so before there is anything to write', async (t) => {
  const disk = tinyDisk(t, 'size=1m');
  await t.test('until it is well again', async (inner) => {
    const settings = { 'state.directory': JSON.stringify(join(disk.path, 'state')) };
    // As the unit has it: in memory.
    const runner = ['env', `RUNTIME_DIRECTORY=${scratch(inner)}`];
    const { far, gateway, thumbprint } = await serving(inner, { settings, runner });
    await gateway.stop();
    disk.makeReadOnly();
    const since = far.log.entries.length;
    await gateway.start();
    await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
    const { code, out } = await gateway.command('status');
    assert.equal(code, 1);
    assert.match(out.replaceAll(/\s+/g, ''), /NL-STATE-WRITE.*state\.jsoncannotbewritten:thefilesystemisread-only/);
    await gateway.stop('SIGKILL');
  });
});

async function story(t: TestContext, disk: string): Promise<void> {
  const stateDirectory = join(disk, 'state');
  const { far, gateway, session, thumbprint } = await serving(t, {
    settings: { 'state.directory': JSON.stringify(stateDirectory) },
  });
  const filling = fill(disk);
  const since = far.log.entries.length;

  const refused = await patiently(() => far.callMethod(ID, 'reprovision', { action: 'roll', id: 'full' }));
  assert.equal(refused.status, 500);
  holds(refused.payload, { code: 'NL-STATE-WRITE' });
  const first = gateway.log.lines.length;
  const byHand = await gateway.post('/v1/roll', { id: 'by-hand' });
  assert.equal(byHand.status, 500);
  holds(byHand.body, { code: 'NL-STATE-WRITE' });
  // Its line may come after its answer.
  await gateway.log.waitFor({ event: 'state-unwritten' }, { since: first, timeoutMs: PATIENCE_MS });
  const [told, ...more] = gateway.log.matching({ event: 'state-unwritten' });
  assert.equal(more.length, 1, 'one line for each request');
  assert.match(String(told?.message), /state\.json cannot be written: no space is left/);

  const { code, out } = await gateway.command('status');
  assert.equal(code, 1);
  assert.match(out, /What to do\n {2}NL-STATE-WRITE .*state\.json cannot be written/s);

  assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a']);
  assert.equal((await far.callMethod(ID, 'leafStatus')).status, 200);
  const events = new Set(far.log.since(since).map(({ event }) => event));
  assert.deepEqual(
    events,
    new Set(['method', 'reported', 'method-answer']),
    'no leaf, no registration, no other session',
  );

  rmSync(filling);
  // Nobody asks again: newleaf tries by itself.
  await gateway.log.waitFor({ event: 'state-written' }, { timeoutMs: PATIENCE_MS });
  assert.equal((await gateway.command('status')).code, 0);
  assert.equal((await gateway.post('/v1/roll', { id: 'again' })).status, 202);
  await gateway.log.waitFor({ event: 'outcome', id: 'again', reason: 'done' });
  const { leaf } = await gateway.settled();
  assert.notEqual(leaf?.thumbprint, thumbprint);
  assert.deepEqual(gateway.token.privateKeys(), ['newleaf-b']);
  assert.equal(far.log.matching({ event: 'connected' }).at(-1)?.thumbprint, leaf?.thumbprint);
  assert.equal(far.log.count({ event: 'disconnected', connection: session.connection ?? 0 }), 1);
}
