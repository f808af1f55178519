import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import { blank, type Memory } from '../../../agent/roll/core/memory.ts';
import { hub, NOW, terms } from '../roll/machine.ts';
import { leafed, named } from '../roll/memories.ts';
import { candidate, Disk, gateway, serving } from './gateway.ts';

/** The first leaf is on its way to DPS. */
const registering: Memory = { ...blank, next: leafed(candidate) };

/** A registration that DPS answers with an outage of its own: the ladder begins at minutes. It is over since. */
async function paused(t: TestContext) {
  let isDown = true;
  const register = async () => {
    if (isDown) throw new Fault('NL-DPS-ALLOCATION');
    return hub;
  };
  const stage = await gateway(t, new Disk(registering), { register });
  assert.equal(stage.counts.register, 1);
  isDown = false;
  const ask = async (from: 'technician' | 'method', delayMs = 0) =>
    (await stage.ask({ kind: 're-register', from, id: 'r1', delayMs })).status;
  return { ...stage, ask };
}

test('a technician who is told yes need not wait for the ladder of what is in flight', async (t) => {
  const { ask, counts, daemon } = await paused(t);
  assert.equal(await ask('technician'), 202);
  assert.equal(counts.register, 2);
  const [ended] = daemon.state.outcomes;
  assert.deepEqual([daemon.state.phase, ended?.id, ended?.outcome], ['serving', 'r1', 'done']);
});

test('nor one who is told that a roll is in flight, whenever their own was to begin', async (t) => {
  const request = { id: 'r0', action: 'roll', reason: 'asked', from: 'technician', at: NOW } as const;
  const state: Memory = { ...serving, ask: { request }, next: named() };
  for (const delayMs of [0, 60_000]) {
    const far = { keys: { generate: () => Promise.reject(new Fault('NL-TOKEN-FAILED')) } };
    const { ask, counts } = await gateway(t, new Disk(state), far);
    const { generate } = counts;
    const { status } = await ask({ kind: 'roll', from: 'technician', id: 'r1', delayMs });
    assert.deepEqual([status, counts.generate], [409, generate + 1]);
  }
});

test('over budget: the answer says in how many seconds a request is accepted', async (t) => {
  const budget = { requestsPerHour: 60, burst: 1 };
  const stage = await gateway(t, new Disk(serving), {}, { terms: { ...terms, ...budget } });
  const ask = async (id: string) => {
    const { status, body } = await stage.ask({ kind: 're-register', from: 'method', id, delayMs: 0 });
    return [status, (body as { retryAfterSeconds?: number }).retryAfterSeconds];
  };
  assert.deepEqual(await ask('r1'), [202, undefined]);
  assert.deepEqual(await ask('r2'), [429, 60]);
  await stage.clock.pass(59_000);
  assert.deepEqual(await ask('r2'), [429, 1]);
  await stage.clock.pass(1_000);
  assert.deepEqual(await ask('r2'), [202, undefined]);
});

test('nor does a method wait for the ladder of what newleaf does by itself: its budget bounds it', async (t) => {
  const { ask, counts } = await paused(t);
  assert.deepEqual([await ask('method'), counts.register], [202, 2]);
});

test('a request for later hurries nothing', async (t) => {
  const { ask, counts } = await paused(t);
  assert.deepEqual([await ask('technician', 60_000), counts.register], [202, 1]);
});
