import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Acknowledgements } from '../../../agent/mqtt/acknowledgements.ts';
import { settled } from './settled.ts';

function ledger() {
  const sent: number[] = [];
  const acknowledgements = new Acknowledgements((packet) => {
    assert.deepEqual([...packet.subarray(0, 2)], [0x40, 2]);
    sent.push(packet.readUInt16BE(2));
  });
  return { sent, acknowledgements };
}

test('PUBACKs go out in the order of arrival, however late the first is', async () => {
  const { sent, acknowledgements } = ledger();
  const [first, third] = [settled(), settled()];
  acknowledgements.owe(1, first.promise);
  acknowledgements.owe(2, true);
  acknowledgements.owe(300, third.promise);
  acknowledgements.owe(65_535, false);
  third.resolve();
  await setImmediate();
  assert.deepEqual(sent, []);
  first.resolve();
  await setImmediate();
  assert.deepEqual(sent, [1, 2, 300, 65_535]);
});

test('without a promise at once, so that the end of the connection does not overtake it', () => {
  const { sent, acknowledgements } = ledger();
  acknowledgements.owe(1, true);
  acknowledgements.owe(2, false);
  assert.deepEqual(sent, [1, 2]);
});

test('one that is rejected holds back those behind it, for good', async () => {
  const { sent, acknowledgements } = ledger();
  const second = settled();
  acknowledgements.owe(1, true);
  acknowledgements.owe(2, second.promise);
  acknowledgements.owe(3, true);
  second.reject(new Error('no'));
  await setImmediate();
  acknowledgements.owe(4, Promise.resolve());
  await setImmediate();
  assert.deepEqual(sent, [1]);
});

test('the same packet identifier again, as the server may use it after the PUBACK', async () => {
  const { sent, acknowledgements } = ledger();
  const first = settled();
  acknowledgements.owe(7, first.promise);
  first.resolve();
  await setImmediate();
  acknowledgements.owe(7, Promise.resolve());
  await setImmediate();
  assert.deepEqual(sent, [7, 7]);
});
