import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openQueue } from '../../../agent/uplink/queue/open.ts';
import { scratch } from '../../unit/state/disk.ts';

const MESSAGES = 100_000;
const message = { topic: 'devices/gw-0001/messages/events/', payload: Buffer.alloc(300, 'x') };

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes that are held, by the heap and beside it. */
async function held(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The messages are 36 MB on disk. Code that V8 compiles meanwhile counts, too: 0.1 MB was seen, and once more than 0.5. */
const MOST = 1_500_000;

test('100,000 messages: opened at once, hardly any memory, and gone when they are dropped', async (t) => {
  const directory = scratch(t);
  const open = () =>
    openQueue({
      directory,
      maxBytes: 1024 ** 3,
      whenFull: 'refuse',
      now: Date.now,
      warn: ({ message: words }) => assert.fail(words),
    });
  const first = await open();
  const from = performance.now();
  for (let sent = 0; sent < MESSAGES; sent += 1000)
    await Promise.all(Array.from({ length: 1000 }, () => first.append(message)));
  const rate = (MESSAGES / (performance.now() - from)) * 1000;
  await first.close();

  const before = await held();
  const opening = performance.now();
  const queue = await open();
  const openMs = performance.now() - opening;
  assert.equal(queue.count, MESSAGES);
  assert.ok(openMs < 500, `opened in ${openMs} ms`);
  const idle = (await held()) - before;
  assert.ok(idle < 300_000, `${idle} bytes for a queue that is only open`);

  let sequence = 0;
  const window: Parameters<typeof queue.drop>[0][] = [];
  for (let stored = await queue.next(); stored !== undefined; stored = await queue.next()) {
    assert.equal(stored.sequence, ++sequence);
    window.push(stored);
    if (window.length === 16) for (const taken of window.splice(0)) queue.drop(taken);
    if (sequence === MESSAGES / 2) {
      queue.rewind();
      sequence -= window.splice(0).length;
      const grown = (await held()) - before;
      assert.ok(grown < MOST, `${grown} bytes in the middle of it`);
    }
  }
  for (const taken of window) queue.drop(taken);
  assert.deepEqual([sequence, queue.count, queue.bytes], [MESSAGES, 0, 0]);
  await queue.close();
  assert.equal(readdirSync(directory).length, 1);
  const after = (await held()) - before;
  t.diagnostic(
    `${Math.round(rate)} stored a second; opened in ${openMs.toFixed(1)} ms; ${idle} bytes open, ${after} after`,
  );
});
