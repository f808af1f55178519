import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { onWire, type WireAnswer } from '../../../agent/ask/wire.ts';
import { answerCsr } from '../../../agent/daemon/delivery.ts';
import type { AnswererOptions } from '../../../agent/daemon/requests.ts';
import { type Code, Fault } from '../../../agent/failure/failure.ts';
import type { Memory } from '../../../agent/roll/core/memory.ts';
import { DESTROY_TRIES } from '../../../agent/roll/core/pace.ts';
import type { KeyRef, Slot } from '../../../agent/roll/leaf.ts';
import type { Ports } from '../../../agent/roll/ports.ts';
import type { RollState } from '../../../agent/roll/state.ts';
import type { Clock } from '../../../agent/time/clock.ts';
import { made, wanted } from '../roll/candidates.ts';
import { terms } from '../roll/machine.ts';
import { current, Disk, gateway as gatewayBefore, MINUTE, never, serving, servingState } from './gateway.ts';

const full = () => Promise.reject(new Fault('NL-TOKEN-FAILED', { message: 'The token is full.' }));

/** A gateway that serves, whose leaves a person brings, and whose token makes keys as it is told. */
async function gateway(t: TestContext, generate: Ports['keys']['generate'], memory: Memory = serving) {
  const stage = { generate };
  const keys = {
    generate: (slot: Slot, id: string) => stage.generate(slot, id),
    csr: async ({ id }: KeyRef) => `csr of ${id}`,
  };
  const change = { terms: { ...terms, automatic: false } };
  const { daemon, clock, counts } = await gatewayBefore(t, new Disk(memory), { keys }, change);
  while (daemon.state.online === undefined) await setImmediate();
  t.after(() => assert.deepEqual([counts.register, counts.issue, counts.destroy], [0, 0, 0]));
  const ask = (from: 'technician' | 'method' = 'technician') => onWire(daemon.answer)({ kind: 'csr', from });
  return { stage, clock, counts, ask };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await setImmediate();
}

const codeOf = ({ status, body }: WireAnswer) => [status, (body as { code?: Code }).code];

for (const code of ['NL-TOKEN-FAILED', 'NL-TOKEN-MISSING', 'NL-TOKEN-OCCUPIED', 'NL-TOKEN-PIN-LOCKED'] as const) {
  test(`a token that makes no key is the answer: ${code}`, async (t) => {
    const { ask } = await gateway(t, () => Promise.reject(new Fault(code)));
    const { status, body } = await ask();
    assert.deepEqual(codeOf({ status, body }), [500, code]);
    assert.match((body as { advice: string }).advice, /\w/);
  });
}

test('a key of the CSR that is lost is made anew: the advice for the key of a leaf would lead nowhere', async (t) => {
  const change = { terms: { ...terms, automatic: false } };
  const keys = { csr: () => Promise.reject(new Fault('NL-TOKEN-KEY')) };
  const { daemon } = await gatewayBefore(t, new Disk(serving), { keys }, change);
  while (daemon.state.online === undefined) await setImmediate();
  for (const automatic of [true, false]) {
    const { body } = await onWire(daemon.answer, undefined, automatic)({ kind: 'csr', from: 'technician' });
    assert.match((body as { advice: string }).advice, /Make another: `newleaf csr --new-key`$/);
  }
});

test('an old key that the token does not destroy, in the place of the next one, is the answer each time', async (t) => {
  const blocked = { ...serving, old: [{ slot: 'b', id: 'g9' }] } as const;
  const change = { terms: { ...terms, automatic: false } };
  const keys = { destroy: full, csr: () => Promise.reject(new Fault('NL-TOKEN-KEY')) };
  const { daemon } = await gatewayBefore(t, new Disk(blocked), { keys }, change);
  while (daemon.state.online === undefined) await setImmediate();
  const codes = new Set<unknown>();
  for (let asked = 0; asked < DESTROY_TRIES + 2; asked += 1) {
    const { body } = await onWire(daemon.answer)({ kind: 'csr', from: 'technician' });
    const { code, message } = body as { code: Code; message: string };
    codes.add(code);
    if (code === 'NL-TOKEN-OCCUPIED') assert.match(message, /^Slot b still holds the key with CKA_ID g9/);
  }
  assert.deepEqual([...codes], ['NL-TOKEN-FAILED', 'NL-TOKEN-OCCUPIED']);
});

test('a technician who asks again makes the token try at once; a method is told what is known', async (t) => {
  const { ask, stage, counts } = await gateway(t, full);
  assert.deepEqual(codeOf(await ask()), [500, 'NL-TOKEN-FAILED']);
  assert.deepEqual(codeOf(await ask('method')), [500, 'NL-TOKEN-FAILED']);
  assert.equal(counts.generate, 1);
  assert.deepEqual(codeOf(await ask()), [500, 'NL-TOKEN-FAILED']);
  assert.equal(counts.generate, 2);
  stage.generate = async (slot, id) => ({ slot, id });
  const { csr, ...about } = (await ask()).body as { csr: string };
  assert.match(csr, /^csr of [0-9a-f]{32}$/);
  assert.deepEqual(about, { slot: 'b', cn: 'gw-1' });
});

test('a token that takes long is waited for, and no longer than the asker waits', async (t) => {
  const { ask, clock, counts } = await gateway(t, never);
  const early = ask();
  await clock.asleep(2);
  await clock.pass(MINUTE);
  const late = ask();
  await turns(50);
  await clock.pass(MINUTE);
  const answers = await Promise.all([early, late]);
  assert.deepEqual(answers.map(codeOf), [
    [409, 'NL-BUSY'],
    [409, 'NL-BUSY'],
  ]);
  assert.equal(counts.generate, 1);
});

test('nobody who asks stays behind, however many there are', async (t) => {
  const { ask, clock } = await gateway(t, never);
  let heard = 0;
  const asked = Array.from({ length: 1_000 }, async () => {
    const answer = await ask('method');
    heard += 1;
    return answer;
  });
  await turns(2_000);
  assert.ok(heard >= 900, `${heard} have an answer at once`);
  await clock.pass(2 * MINUTE);
  const answers = await Promise.all(asked);
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([409]));
});

test('an answer leaves neither a listener nor a sleeper behind', async () => {
  let state: RollState = { ...servingState, phase: 'generating-key', next: wanted('delivery') };
  const [listeners, sleepers] = [new Set<(event: object) => void>(), new Set<AbortSignal>()];
  const clock: Pick<Clock, 'sleep'> = {
    sleep: (_, abort) =>
      new Promise((resolve) => {
        sleepers.add(abort);
        abort.addEventListener('abort', () => resolve(void sleepers.delete(abort)));
      }),
  };
  const changed = (listener: (event: object) => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const options = {
    clock,
    changed,
    state: () => state,
    report: () => ({ terms, registrationId: 'gw-1' }),
    post: async () => ({ state, effects: [] }),
    ports: { keys: { csr: async () => 'csr' } },
  } as unknown as AnswererOptions;
  const answer = answerCsr(options, {}, { kind: 'csr', from: 'method' });
  await setImmediate();
  assert.deepEqual([listeners.size, sleepers.size], [1, 1]);
  state = { ...servingState, next: made('delivery') };
  for (const listener of listeners) listener({ type: 'changed' });
  assert.equal((await answer).is, 'csr');
  assert.deepEqual([listeners.size, sleepers.size], [0, 0]);
});

test('a place that is taken is not the answer where the other one is free', async (t) => {
  const given: Memory = { ...serving, current: { ...current, key: { slot: 'given', id: 'f0' } } };
  const generate: Ports['keys']['generate'] = async (slot, id) => {
    if (slot === 'a') throw new Fault('NL-TOKEN-OCCUPIED');
    return { slot, id };
  };
  const { ask } = await gateway(t, generate, given);
  const { status, body } = await ask();
  assert.deepEqual([status, (body as { slot?: string }).slot], [200, 'b']);
});
