import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { onWire } from '../../../agent/ask/wire.ts';
import type { KeyRef } from '../../../agent/roll/leaf.ts';
import { quietNotify } from '../../quiet.ts';
import { terms } from '../roll/machine.ts';
import { Disk, gateway, MINUTE, never, servingState } from './gateway.ts';

async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await setImmediate();
}

test('a handshake that waits for a token which makes a key is given the time that the key takes', async (t) => {
  const expected: number[] = [];
  let made = (_: KeyRef) => {};
  const generate = () =>
    new Promise<KeyRef>((resolve) => {
      made = resolve;
    });
  const notify = { ...quietNotify, watchdogMs: 3 * MINUTE, expect: async (ms: number) => void expected.push(ms) };
  const far = { connect: never, keys: { generate } };
  const { daemon, counts, stop } = await gateway(t, new Disk(servingState), far, {
    terms: { ...terms, automatic: false },
    notify,
  });
  await turns();
  assert.deepEqual(expected, [30_000], 'a session is opened');
  const asked = onWire(daemon.answer)({ kind: 'csr', from: 'technician' });
  await turns();
  assert.deepEqual(expected, [30_000, 3 * MINUTE], 'and a key is made beside it');
  made({ slot: 'b', id: 'g1' });
  assert.equal((await asked).status, 200);
  await turns();
  assert.deepEqual(expected, [30_000, 3 * MINUTE, 30_000]);
  assert.deepEqual([counts.register, counts.issue, counts.destroy], [0, 0, 0]);
  await stop();
});
