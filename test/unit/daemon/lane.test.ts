import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Lane } from '../../../agent/daemon/lane.ts';
import { type Code, failure } from '../../../agent/failure/failure.ts';
import type { RollEffect } from '../../../agent/roll/state.ts';
import { TestClock } from '../clock.ts';
import { hub, leafOf } from '../roll/machine.ts';

const [first, second] = [leafOf('g1', 'a'), leafOf('g2', 'b')];
const register: RollEffect = { kind: 'register', leaf: first };
const other: RollEffect = { kind: 'register', leaf: second };
const request: RollEffect = { kind: 'request-leaf', key: second.key };
const connect: RollEffect = { kind: 'connect', leaf: first, assignment: hub };

/** A lane whose effects all fail at once. */
async function failing(
  times: number,
  effects: readonly RollEffect[] = [register],
  { clock = new TestClock(), code = 'NL-DPS-SERVER' }: { clock?: TestClock; code?: Code } = {},
) {
  const lane = new Lane({
    clock,
    attempt: async (effect) => ({ kind: 'failed', effect, failure: failure(code) }),
    happened: (_, landed) => landed(),
  });
  for (let time = 0; time < times; time += 1) {
    lane.set(effects[time % effects.length]);
    await setImmediate();
  }
  return lane;
}

test('failures in a row make the ladder', async () => {
  assert.equal((await failing(3)).tries(register), 3);
});

test('DPS that is asked for another leaf is not asked more often for that', async () => {
  assert.equal((await failing(4, [register, other])).tries(register), 4);
});

test('a ladder that is left for other work goes on when that is over: else each probe would begin that of the issuer anew', async () => {
  const clock = new TestClock();
  const lane = await failing(4, [register, connect, request], { clock });
  lane.set(undefined);
  assert.deepEqual(
    [register, other, connect, request].map((one) => lane.tries(one)),
    [2, 2, 1, 1],
  );
  await clock.pass(2 * 3_600_000 - 1);
  assert.equal(lane.tries(other), 2);
  await clock.pass(1);
  assert.equal(lane.tries(other), 0);
});

for (const code of ['NL-DPS-401002', 'NL-DPS-DISABLED'] as const) {
  test(`DPS that has answered (${code}) is not silent: the next question has no pause before it`, async () => {
    assert.equal((await failing(4, [register, connect], { code })).tries(other), 0);
  });
}

test('one answer of DPS takes one rung away, and not the ladder: it may answer about one leaf only', async () => {
  const codes: Code[] = ['NL-DPS-SERVER', 'NL-DPS-SERVER', 'NL-DPS-SERVER', 'NL-DPS-401002'];
  const lane = new Lane({
    clock: new TestClock(),
    attempt: async (effect) => ({ kind: 'failed', effect, failure: failure(codes.shift() ?? 'NL-DPS-SERVER') }),
    happened: (_, landed) => landed(),
  });
  for (const effect of [register, register, register, other]) {
    lane.set(effect);
    await setImmediate();
  }
  assert.equal(lane.tries(register), 2);
});

/** A lane whose attempts last, and whose events wait for their turn, until the test says so. */
function lasting() {
  const attempts: { readonly abort: AbortSignal; readonly fail: () => Promise<void> }[] = [];
  const events: (() => void)[] = [];
  const clock = new TestClock();
  const lane = new Lane({
    clock,
    attempt: (effect, abort) =>
      new Promise((resolve) => {
        const fail = async () => {
          resolve({ kind: 'failed', effect, failure: failure('NL-DPS-SERVER') });
          await setImmediate();
        };
        attempts.push({ abort, fail });
      }),
    happened: (_, landed) => void events.push(landed),
  });
  return { lane, clock, attempts, events };
}

/** Two effects, one after the other, and whether the second is another one. */
const PAIRS: readonly (readonly [what: string, one: RollEffect, two: RollEffect, another: boolean])[] = [
  ['the same', connect, { ...connect }, false],
  ['another hub', connect, { ...connect, assignment: { ...hub, hub: 'hub2' } }, true],
  ['another device of the hub', connect, { ...connect, assignment: { ...hub, deviceId: 'gw-2' } }, true],
  ['another leaf', register, other, true],
  ['something else with the same leaf', register, connect, true],
  [
    'a key with another ID',
    { kind: 'generate-key', slot: 'b', id: '1' },
    { kind: 'generate-key', slot: 'b', id: '2' },
    true,
  ],
];

for (const [what, one, two, another] of PAIRS) {
  test(`${what}: ${another ? 'the one in flight is ended' : 'it goes on undisturbed'}`, async () => {
    const { lane, attempts, events } = lasting();
    lane.set(one);
    lane.set(two);
    assert.deepEqual(
      attempts.map(({ abort }) => abort.aborted),
      another ? [true, false] : [false],
    );
    await attempts[0]?.fail();
    assert.equal(events.length, another ? 0 : 1, 'the result of what was ended is dropped');
  });
}

test('what was ended in its pause is never tried', async () => {
  const { lane, clock, attempts } = lasting();
  lane.set(register, 1_000);
  lane.set(undefined);
  await clock.pass(2_000);
  assert.equal(attempts.length, 0);
});

test('an event whose turn comes late does not free the lane for a second time', async () => {
  const { lane, attempts, events } = lasting();
  lane.set(register);
  await attempts[0]?.fail();
  lane.set(connect);
  events[0]?.();
  lane.set(connect);
  assert.deepEqual([attempts.length, lane.has(connect)], [2, true]);
});

test('it waits for the brake until it is tried', async () => {
  const { lane, clock, attempts } = lasting();
  lane.set(register, 1_000, 'brake');
  assert.deepEqual([lane.isBraked, attempts.length], [true, 0]);
  await clock.pass(1_000);
  assert.deepEqual([lane.isBraked, attempts.length], [false, 1]);
});
