import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { onWire } from '../../../agent/ask/wire.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { type RollState, unprovisioned } from '../../../agent/roll/state.ts';
import { sent, wanted } from '../roll/candidates.ts';
import { hub, NOW, terms } from '../roll/machine.ts';
import { candidate, Disk, gateway, servingState } from './gateway.ts';

/** The first leaf is on its way to DPS. */
const registering: RollState = {
  ...unprovisioned,
  phase: 'registering-next',
  next: sent(candidate),
};

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
  const ask = async (from: 'technician' | 'method', delayMs = 0) => {
    const answer = onWire(stage.daemon.answer)({ kind: 're-register', from, id: 'r1', delayMs });
    await stage.clock.pass(10);
    return (await answer).status;
  };
  return { ...stage, ask };
}

test('a technician who is told yes need not wait for the ladder of what is in flight', async (t) => {
  const { ask, counts, daemon } = await paused(t);
  assert.equal(await ask('technician'), 202);
  assert.equal(counts.register, 2);
  const [ended] = daemon.state.outcomes;
  assert.deepEqual([daemon.state.phase, ended?.id, ended?.outcome], ['serving', 'r1', 'done']);
});

test('nor one who is told that a roll is in flight', async (t) => {
  const request = { id: 'r0', action: 'roll', reason: 'asked', from: 'technician', at: NOW } as const;
  const { clock, counts, daemon } = await gateway(
    t,
    new Disk({ ...servingState, phase: 'generating-key', request, next: wanted() }),
    { keys: { generate: () => Promise.reject(new Fault('NL-TOKEN-FAILED')) } },
  );
  const { generate } = counts;
  const answer = onWire(daemon.answer)({ kind: 'roll', from: 'technician', id: 'r1', delayMs: 0 });
  await clock.pass(10);
  assert.deepEqual([(await answer).status, counts.generate], [409, generate + 1]);
});

test('over budget: the answer says in how many seconds a request is accepted', async (t) => {
  const budget = { requestsPerHour: 60, burst: 1 };
  const { clock, daemon } = await gateway(t, new Disk(servingState), {}, { terms: { ...terms, ...budget } });
  const ask = async (id: string) => {
    const answer = onWire(daemon.answer)({ kind: 're-register', from: 'method', id, delayMs: 0 });
    await clock.pass(10);
    return answer;
  };
  assert.equal((await ask('r1')).status, 202);
  const { status, body } = await ask('r2');
  const { retryAfterSeconds } = body as { retryAfterSeconds: number };
  assert.deepEqual([status, retryAfterSeconds], [429, 60]);
  await clock.pass(59_000);
  const soon = await ask('r2');
  assert.deepEqual([soon.status, (soon.body as { retryAfterSeconds: number }).retryAfterSeconds], [429, 1]);
  await clock.pass(1_000);
  assert.equal((await ask('r2')).status, 202);
});

test('a method waits for the ladder, and so does a request for later', async (t) => {
  const { ask, counts } = await paused(t);
  assert.equal(await ask('method'), 409);
  await ask('technician', 60_000);
  assert.equal(counts.register, 1);
});
