import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DAY, Gateway, HOUR } from './gateway.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

const MIB = 2 ** 20;
/** The first days fill caches and compile what is called. */
const WARM_DAYS = 10;
const DAYS = 90;

/** MiB in use after a collection. */
async function heap(): Promise<number> {
  // What finalizers free is gone by the second.
  for (let turn = 0; turn < 2; turn += 1) {
    collect();
    await new Promise(setImmediate);
  }
  return process.memoryUsage().heapUsed / MIB;
}

test('ninety days of serving, with a roll a week: the heap of the daemon is flat', async (t) => {
  const serving = { enrollment: 'group', begins: 'serving', automatic: true } as const;
  const gateway = new Gateway({ seed: 1, ...serving, leftMs: 5 * DAY, lifetimeMs: 10 * DAY });
  gateway.start();
  const pass = async (days: number) => {
    for (let hour = 0; hour < days * 24; hour += 1) await gateway.clock.pass(HOUR);
  };
  await pass(WARM_DAYS);
  const before = await heap();
  await pass(DAYS);
  const gained = (await heap()) - before;
  const { calls } = gateway.world;
  t.diagnostic(
    `${gained.toFixed(2)} MiB gained, ${calls.connect.length} connects, ${calls.register.length} registrations`,
  );
  assert.deepEqual([gateway.isOnline, gateway.broken], [true, []]);
  assert.ok(calls.register.length >= 10, `${calls.register.length} registrations`);
  assert.ok(gained < 1.5, `${gained} MiB`);
  gateway.stop();
});
