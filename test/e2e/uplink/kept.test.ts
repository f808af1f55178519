import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { PATIENCE_MS } from '../stage/site.ts';
import { assertArrived, brisk, counting, ID } from './stage.ts';

const p99 = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0;

test('ten rolls: programs notice nothing', async (t) => {
  const at = await brisk(t);
  const { far, gateway } = at;
  const programs = await Promise.all(['sensors', 'meter'].map((name) => counting(t, at, name)));
  for (let roll = 1; roll <= 10; roll += 1) {
    const since = far.log.entries.length;
    assert.equal((await gateway.post('/v1/roll', { id: `roll-${roll}` })).status, 202);
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
    await gateway.settled();
  }
  for (const program of programs) {
    const { arrived, twice } = await assertArrived(at, program);
    assert.equal(program.losses, 0, 'no connection was lost');
    assert.ok(arrived > 50, `${arrived} messages`);
    assert.ok(twice <= 10 * 16, `${twice} twice: at most what was on its way at a roll`);
    t.diagnostic(`${program.name}: ${arrived} sent, ${twice} twice, PUBACK p99 ${p99(program.tookMs).toFixed(1)} ms`);
  }
});

test('another hub: what the first has not acknowledged goes to the second', async (t) => {
  const at = await brisk(t);
  const { far, gateway } = at;
  const program = await counting(t, at, 'sensors');
  await pause(500);
  await far.assign(ID, 'hub2');
  assert.equal((await gateway.post('/v1/reprovision', { id: 'move' })).status, 202);
  await far.log.waitFor({ event: 'connected', server: 'hub2' }, PATIENCE_MS);
  await gateway.settled();
  await pause(500);
  await assertArrived(at, program);
  assert.equal(program.losses, 0);
  const [first, second] = await Promise.all([far.telemetry('hub1', ID, 0, 0), far.telemetry('hub2', ID, 0, 0)]);
  assert.ok(
    first.arrived > 0 && second.arrived > 0,
    `${first.arrived} at the first hub, ${second.arrived} at the second`,
  );
});

test('bounds of a program are changed while it counts: it does not notice', async (t) => {
  const at = await brisk(t);
  const { gateway } = at;
  const program = await counting(t, at, 'sensors');
  await pause(500);
  const terms = { rate: 500, priority: 'bulk', maxBytes: 1_000_000, maxAgeMs: 3_600_000 };
  assert.equal((await gateway.post('/v1/uplink', { set: 'sensors', terms })).status, 200);
  await pause(500);
  await assertArrived(at, program);
  assert.equal(program.losses, 0);
  assert.deepEqual((await gateway.uplink()).programs[0]?.terms, terms);
  assert.equal((await gateway.post('/v1/uplink', { set: 'sensors', terms: { rate: 0 } })).status, 400);
});
