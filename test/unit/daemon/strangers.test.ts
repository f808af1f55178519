import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Strangers } from '../../../agent/daemon/strangers.ts';
import { type Failure, failure } from '../../../agent/failure/failure.ts';
import type { Line } from '../../../agent/machine/log.ts';
import type { RollState } from '../../../agent/roll/state.ts';
import { TestClock } from '../clock.ts';
import { current, servingState } from './gateway.ts';

const occupied = failure('NL-TOKEN-OCCUPIED', { message: 'newleaf-b holds a key.' });
const another = { ...current, key: { slot: 'b', id: 'g9' } } as const;
const retire = [{ slot: 'b', id: 'g7', is: 'pending', tries: 0 }] as const;

function stage() {
  const clock = new TestClock();
  const logged: Line[] = [];
  const looks: (readonly string[])[] = [];
  const stage = { clock, logged, looks, found: undefined as Failure | Error | undefined };
  const strangers = new Strangers({
    clock,
    log: { debug: () => {}, info: () => {}, warn: (line) => logged.push(line), error: () => {} },
    async stranger(known) {
      looks.push(known());
      if (stage.found instanceof Error) throw stage.found;
      return stage.found;
    },
  });
  const follow = async (state: RollState) => {
    strangers.follow(state);
    await setImmediate();
  };
  return Object.assign(stage, { strangers, follow });
}

test('the token is looked at once at rest, and again where the keys have changed', async () => {
  const { follow, looks } = stage();
  await follow({ ...servingState, phase: 'registering' });
  for (let times = 0; times < 3; times += 1) await follow(servingState);
  await follow({ ...servingState, retire });
  await follow({ ...servingState, current: another });
  assert.deepEqual(
    looks.map((ids) => [...new Set(ids)]),
    [['g0'], ['g0', 'g7'], ['g9']],
  );
});

test('what is found is said once, and is over within an hour of its end; a token that fails says nothing', async () => {
  const it = stage();
  it.found = occupied;
  await it.follow(servingState);
  assert.deepEqual([it.strangers.failure, it.logged.map(({ event }) => event)], [occupied, ['key-unknown']]);
  it.found = new Error('CKR_DEVICE_ERROR');
  await it.clock.pass(3_600_000);
  await it.follow(servingState);
  assert.equal(it.strangers.failure, occupied);
  it.found = undefined;
  await it.clock.pass(3_600_000);
  await it.follow(servingState);
  assert.deepEqual([it.strangers.failure, it.looks.length, it.logged.length], [undefined, 3, 1]);
});
