import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { onWire } from '../../../agent/ask/wire.ts';
import { DaemonView } from '../../../agent/daemon/view.ts';
import { minute } from '../../../agent/failure/minute.ts';
import type { KeyRef, Slot } from '../../../agent/roll/leaf.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import { quietNotify } from '../../quiet.ts';
import { NOW, terms } from '../roll/machine.ts';
import { named } from '../roll/memories.ts';
import { Disk, gateway, MINUTE, never, serving } from './gateway.ts';

async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await setImmediate();
}

test('a step that lasts two minutes is told, with its beginning, until it ends', async (t) => {
  let hangs = (_: Error) => {};
  const generate = () =>
    new Promise<never>((_, reject) => {
      hangs = reject;
    });
  const making = { ...serving, next: named() };
  const { clock, status } = await gateway(t, new Disk(making), { keys: { generate } });
  const told = async () => (await status()).wrong.map(({ code, message }) => `${code} ${message}`);
  await clock.pass(2 * MINUTE - 1);
  assert.deepEqual(await told(), []);
  await clock.pass(1);
  const since = minute(NOW);
  const { wrong, trouble, person } = await status();
  assert.deepEqual([trouble?.code, person], ['NL-BUSY-LONG', false]);
  assert.equal(wrong[0]?.message, `Making the next key in the token has not ended since ${since}.`);
  hangs(
    Object.assign(new TokenError('hung', 'CHILD_TIMEOUT', 'Generating a key: it was killed.'), { isLasting: true }),
  );
  await clock.pass(1);
  assert.deepEqual(await told(), ['NL-TOKEN-HUNG Generating a key: it was killed.']);
  const { online, next, last } = await status();
  assert.deepEqual([online, next?.standing, last?.outcome], [true, 'parked', 'kept']);
});

test('a handshake that waits for a token which makes a key is given the time that the key takes', async (t) => {
  const expected: number[] = [];
  let made = () => {};
  const view = new DaemonView();
  // As agent/keys/slots.ts does.
  const generate = (slot: Slot, id: string) => view.during('keys', () => makes({ slot, id }));
  const makes = (key: KeyRef) =>
    new Promise<KeyRef>((resolve) => {
      made = () => resolve(key);
    });
  const notify = { ...quietNotify, watchdogMs: 3 * MINUTE, expect: async (ms: number) => void expected.push(ms) };
  let connects = 0;
  const connect = () => (connects++ === 0 ? Promise.resolve() : never<void>());
  const far = { connect, keys: { generate } };
  const { daemon, counts, lose, stop } = await gateway(t, new Disk(serving), far, {
    terms: { ...terms, automatic: false },
    notify,
    view,
  });
  await turns();
  assert.deepEqual(expected.splice(0), [30_000], 'a session is opened');
  const asked = onWire(daemon.answer)({ kind: 'csr', from: 'technician' });
  await turns();
  await lose();
  await turns();
  assert.deepEqual(expected.splice(0), [3 * MINUTE], 'and another while a key is made');
  made();
  assert.equal((await asked).status, 200);
  await turns();
  assert.deepEqual(expected, [30_000]);
  assert.deepEqual([counts.register, counts.issue, counts.destroy], [0, 0, 0]);
  await stop();
});
