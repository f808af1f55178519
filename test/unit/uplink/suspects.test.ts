import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Suspects } from '../../../agent/uplink/suspects.ts';
import { programOf } from './fakes.ts';

const MINUTE = 60_000;

test('a link that ends within the wait of each session: the message is tried at once on the next one', async () => {
  const suspects = new Suspects();
  const program = programOf('sensors');
  await program.queue.append({ topic: '', payload: Buffer.from('x') });
  const opens = (at: number) => {
    suspects.opened([program], at);
    program.queue.rewind();
  };
  const closesOverIt = async (openedAt: number) => {
    opens(openedAt);
    const chosen = suspects.has(program) ? await suspects.next([program], true, openedAt) : undefined;
    const message = typeof chosen === 'object' ? chosen.message : await program.up.next();
    assert.ok(message);
    suspects.closed([{ program, message, sentAt: openedAt }], openedAt + 100);
  };
  await closesOverIt(0);
  await closesOverIt(2 * MINUTE);

  const session = 10 * MINUTE;
  opens(session);
  assert.equal(await suspects.next([program], true, session), undefined, 'it waits');
  suspects.closed([], session + 30_000);
  opens(session + MINUTE);
  assert.equal(typeof (await suspects.next([program], true, session + MINUTE)), 'object', 'it is tried');
});

test('a hub that closes over each message: the third brief session keeps still for its first minute; then 15 minutes at most', async () => {
  const suspects = new Suspects();
  const program = programOf('sensors');
  await program.queue.append({ topic: '', payload: Buffer.from('x') });
  const message = await program.up.next();
  assert.ok(message);
  const waits: (readonly [restMs: number, dueMs: number])[] = [];
  let at = 0;
  for (let closes = 0; closes < 8; closes += 1) {
    suspects.opened([program], at);
    program.queue.rewind();
    const dueMs = closes < 2 ? 0 : suspects.wakeMs([], at);
    waits.push([suspects.restMs(at), dueMs]);
    at += dueMs;
    if (closes > 0) assert.equal(typeof (await suspects.next([program], true, at)), 'object');
    suspects.closed([{ program, message, sentAt: at }], at + 100);
    at += 1_000;
  }
  const rests = [0, 0, 61_000, 0, 0, 0, 0, 0];
  const dues = [0, 0, 61_000, 122_000, 244_000, 488_000, 900_000, 900_000];
  assert.deepEqual(
    waits,
    rests.map((restMs, index) => [restMs, dues[index]]),
  );
});
