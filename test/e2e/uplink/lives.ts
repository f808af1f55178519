import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { openQueue } from '../../../agent/uplink/queue/open.ts';

const WRITERS = join(import.meta.dirname, 'writers.ts');
/** Prime, so that the ends come at ever other places of a segment. */
const STEP = 397;

interface Told {
  readonly acked: string[];
  readonly read: string[];
  readonly warned: string[];
  /** By the text, when a message was last said to be read. */
  readonly readAt: Map<string, number>;
}

export const nothing = (): Told => ({ acked: [], read: [], warned: [], readAt: new Map() });

interface Life {
  readonly directory: string;
  readonly number: number;
  readonly mode: '' | 'reader' | 'drain';
  /** Comes just before kill -9, which is after so many lines, 1500 at most. */
  end(): void;
}

/** One life of the writers: it ends after some messages. */
export async function live(t: TestContext, told: Told, { directory, number, mode, end }: Life): Promise<void> {
  const args = ['--import', 'tsx', WRITERS, directory, String(number), mode];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  let left = 1 + ((number * STEP) % 1500);
  for await (const line of createInterface({ input: child.stdout })) {
    const [kind, text] = [line.slice(0, 1), line.slice(2)];
    if (kind === '+') told.acked.push(text);
    else (kind === '-' ? told.read : told.warned).push(text);
    if (kind === '-') told.readAt.set(text, performance.now());
    left -= 1;
    if (left !== 0) continue;
    end();
    child.kill('SIGKILL');
  }
  await ended;
}

/** What is in the queue after the last life, in order. */
export async function left(directory: string): Promise<string[]> {
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
export function inOrder(found: readonly string[]): void {
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
