import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite, type TestContext, test } from 'node:test';
import { openQueue } from '../../../agent/uplink/queue/open.ts';
import { scratch } from '../../unit/state/disk.ts';

const WRITERS = join(import.meta.dirname, 'writers.ts');
/** Prime, so that the kills come at ever other places of a segment. */
const STEP = 397;

interface Told {
  readonly acked: string[];
  readonly read: string[];
  readonly warned: string[];
}

/** One life of the writers: it is killed after so many acknowledged messages. */
async function live(t: TestContext, directory: string, life: number, mode: string, told: Told): Promise<void> {
  const args = ['--import', 'tsx', WRITERS, directory, String(life), mode];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const until = told.acked.length + 1 + ((life * STEP) % 1500);
  for await (const line of createInterface({ input: child.stdout })) {
    const [kind, text] = [line.slice(0, 1), line.slice(2)];
    if (kind === '+') told.acked.push(text);
    else (kind === '-' ? told.read : told.warned).push(text);
    if (told.acked.length >= until) child.kill('SIGKILL');
  }
  const [, signal] = await ended;
  assert.equal(signal, 'SIGKILL', 'it did not end by itself');
}

/** What is in the queue after the last life, in order. */
async function left(directory: string): Promise<string[]> {
  const options = { directory, maxBytes: 1024 ** 3, whenFull: 'refuse', now: Date.now } as const;
  const queue = await openQueue({ ...options, warn: ({ message }) => assert.fail(message) });
  const found: string[] = [];
  for (let message = await queue.next(); message !== undefined; message = await queue.next())
    found.push(Buffer.from(message.payload).toString().replace(/ \.*$/, ''));
  assert.deepEqual([queue.count, queue.counts], [found.length, { dropped: 0, damaged: 0 }]);
  await queue.close();
  return found;
}

/** Of each writer, its messages in the order of its lives. */
function inOrder(found: readonly string[]): void {
  const last = new Map<string, readonly [life: number, n: number]>();
  for (const text of found) {
    const [writer = '', life, n] = text.split(' ');
    const [before, number] = last.get(writer) ?? [-1, -1];
    assert.ok(
      Number(life) > before || (Number(life) === before && Number(n) === number + 1),
      `${text} after ${number}`,
    );
    last.set(writer, [Number(life), Number(n)]);
  }
}

suite('kill -9 of a process with eight writers', { concurrency: 2 }, () => {
  test('30 times: nothing acknowledged is missing, nothing is there twice, and all is in order', async (t) => {
    const directory = scratch(t);
    const told: Told = { acked: [], read: [], warned: [] };
    for (let life = 1; life <= 30; life += 1) await live(t, directory, life, '', told);
    const found = await left(directory);
    const there = new Set(found);
    assert.deepEqual(
      told.acked.filter((text) => !there.has(text)),
      [],
    );
    assert.equal(there.size, found.length);
    // Of each life, each writer has at most one message that was stored, and not acknowledged.
    assert.ok(
      found.length - told.acked.length <= 30 * 8 * 2,
      `${found.length} found, ${told.acked.length} acknowledged`,
    );
    inOrder(found);
    assert.deepEqual(told.warned, []);
    t.diagnostic(`${told.acked.length} acknowledged`);
  });

  test('20 times with a reader: all acknowledged is read, and only the last of it once more', async (t) => {
    const directory = scratch(t);
    const told: Told = { acked: [], read: [], warned: [] };
    let twice = 0;
    const seen = new Set<string>();
    for (let life = 1; life <= 20; life += 1) {
      const from = told.read.length;
      await live(t, directory, life, 'reader', told);
      const now = told.read.slice(from);
      assert.equal(new Set(now).size, now.length, 'one process reads a message once');
      const again = now.filter((text) => seen.has(text)).length;
      assert.deepEqual(
        now.slice(0, again).filter((text) => !seen.has(text)),
        [],
        'first those of before',
      );
      for (const text of now) seen.add(text);
      twice += again;
    }
    const found = await left(directory);
    for (const text of found) seen.add(text);
    assert.deepEqual(
      told.acked.filter((text) => !seen.has(text)),
      [],
    );
    assert.deepEqual(told.warned, []);
    t.diagnostic(`${told.read.length} read, ${twice} of them once more`);
  });
});
