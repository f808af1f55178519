import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import type { RollState } from '../../../agent/roll/state.ts';
import { TestClock } from '../clock.ts';
import { wanted } from '../roll/candidates.ts';
import { NOW } from '../roll/machine.ts';
import { current, Disk, type Far, gateway, HOUR, MINUTE, never, servingState } from './gateway.ts';

const SECOND = 1_000;

test('a hub that ends each session after a second: at once, after a second, and then every five minutes', async (t) => {
  const { clock, counts, lose } = await gateway(t, new Disk(servingState));
  const pauses: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    const [at, { connect }] = [clock.monotonic(), counts];
    await lose(current.thumbprint, SECOND);
    while (counts.connect === connect) await clock.pass(SECOND / 10);
    pauses.push((clock.monotonic() - at) / SECOND);
  }
  assert.deepEqual(pauses, [0, 1, 330, 330]);
});

/** The process before this one ended while it made this key. */
const poisoned: RollState = {
  ...servingState,
  phase: 'generating-key',
  next: wanted(),
  poisoned: [{ effect: 'generate-key', at: NOW }],
};

test('what poisoned the process before is tried as soon as the session is open', async (t) => {
  let open = () => {};
  const connect = () =>
    new Promise<void>((resolve) => {
      open = resolve;
    });
  const { clock, counts } = await gateway(t, new Disk(poisoned), { connect });
  await clock.pass(SECOND);
  assert.equal(counts.generate, 0);
  open();
  await clock.pass(0);
  assert.equal(counts.generate, 1);
});

test('or at once, where there is no session to wait for', async (t) => {
  const { current: _, assignment: _assignment, ...leafless } = poisoned;
  const { counts } = await gateway(t, new Disk(leafless));
  assert.equal(counts.generate, 1);
});

test('and after a minute where no hub answers', async (t) => {
  const { clock, counts } = await gateway(t, new Disk(poisoned), { connect: never });
  await clock.pass(MINUTE - 1);
  assert.equal(counts.generate, 0);
  await clock.pass(1);
  assert.equal(counts.generate, 1);
});

test('DPS is asked at once where the hub gives no answer, whose own next attempt waits', async (t) => {
  const clock = new TestClock(NOW);
  let triedAt = 0;
  let waited: number | undefined;
  const far: Far = {
    async connect() {
      triedAt = clock.monotonic();
      throw new Fault('NL-HUB-UNREACHABLE');
    },
    async register() {
      waited ??= clock.monotonic() - triedAt;
      throw new Fault('NL-DPS-UNREACHABLE');
    },
  };
  await gateway(t, new Disk(servingState), far, {}, clock);
  await clock.pass(HOUR);
  assert.equal(waited, 0);
});
