import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Lane } from '../../../agent/daemon/lane.ts';
import { failure } from '../../../agent/failure/failure.ts';
import type { RollEffect } from '../../../agent/roll/state.ts';
import { TestClock } from '../clock.ts';
import { leafOf } from '../roll/machine.ts';

const register: RollEffect = { kind: 'register', leaf: leafOf('g1', 'a') };
const other: RollEffect = { kind: 'register', leaf: leafOf('g2', 'b') };

/** A lane whose effects all fail at once. */
async function failing(times: number, effects: readonly RollEffect[] = [register]) {
  const lane = new Lane({
    clock: new TestClock(),
    attempt: async (effect) => ({ kind: 'failed', effect, failure: failure('NL-DPS-SERVER') }),
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

test('work that is over takes its ladder along: what comes after hours of rest begins anew', async () => {
  const lane = await failing(4);
  lane.set(undefined);
  assert.equal(lane.tries(register), 0);
});
