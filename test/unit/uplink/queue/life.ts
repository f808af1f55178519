import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { Failure } from '../../../../agent/failure/failure.ts';
import type { Stored } from '../../../../agent/uplink/ports.ts';
import type { Disk } from '../../../../agent/uplink/queue/disk.ts';
import { openQueue } from '../../../../agent/uplink/queue/open.ts';
import type { QueueOptions } from '../../../../agent/uplink/queue/queue.ts';
import { diceOf } from '../../../search/dice.ts';
import { ModelDisk } from './disk-model.ts';

export const DIRECTORY = '/q';
const TOPIC = 'devices/gw/messages/events/';

export type Opened = Awaited<ReturnType<typeof openQueue>>;

/** A queue on the disk of this machine, which warns of nothing where the test does not say so. */
export const openIn = (directory: string, warn?: (failure: Failure) => void): Promise<Opened> =>
  openQueue({
    directory,
    maxBytes: 64 * 1024 * 1024,
    whenFull: 'refuse',
    now: Date.now,
    warn: warn ?? (({ message: words }) => assert.fail(words)),
  });

/** A queue of small segments on a model of a disk. */
export const openOn = (disk: Disk, options: Partial<QueueOptions> = {}): Promise<Opened> =>
  openQueue({
    directory: DIRECTORY,
    maxBytes: 1_000_000,
    whenFull: 'refuse',
    now: () => Date.UTC(2026, 10),
    warn: () => {},
    segmentBytes: 700,
    disk,
    ...options,
  });

/** The n-th message. Its length differs from that of its neighbours. */
export const message = (n: number) => ({ topic: TOPIC, payload: Buffer.from(`${n} ${'x'.repeat((n * 7) % 41)}`) });

export const numberOf = ({ topic, payload }: { topic: string; payload: Uint8Array }): number => {
  assert.equal(topic, TOPIC);
  const n = Number.parseInt(Buffer.from(payload).toString(), 10);
  assert.deepEqual(Buffer.from(payload), message(n).payload, 'the payload is as it was sent');
  return n;
};

/** Everything that the reader can take. */
export async function numbersIn(queue: Opened): Promise<number[]> {
  const found: number[] = [];
  for (let stored = await queue.next(); stored !== undefined; stored = await queue.next()) found.push(numberOf(stored));
  return found;
}

/** Passes turns of the event loop, of which a queue on a model needs few: a broken one must fail, and not hang. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let left = 1_000; !isSo(); left -= 1) {
    assert.ok(left > 0, `never: ${isSo}`);
    await turn();
  }
}

export const model = () => new ModelDisk(diceOf(1));
export const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
/** At once. */
export const append = (queue: Opened, from: number, to: number) =>
  Promise.all(range(from, to).map((n) => queue.append(message(n))));

export async function take(queue: Opened): Promise<Stored> {
  const stored = await queue.next();
  assert.ok(stored !== undefined, 'there is a message');
  return stored;
}

/** What the outside knows of a queue: of each message, what it was told. */
export class Witness {
  readonly acked = new Set<number>();
  readonly refused = new Set<number>();
  readonly dropped = new Set<number>();
  #sent = 0;

  /** Messages at once, as from several programs. Ends with the last answer: never, where the process dies. */
  async burst(queue: Opened, count: number): Promise<void> {
    const answers = Array.from({ length: count }, () => {
      const n = this.#sent++;
      return queue.append(message(n)).then(
        () => this.acked.add(n),
        (error) => {
          assert.equal(error.failure?.code, 'NL-UPLINK-DISK', error);
          this.refused.add(n);
        },
      );
    });
    await Promise.all(answers);
  }

  /** Takes and drops so many, in order. */
  async drain(queue: Opened, count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      const stored = await queue.next().catch(() => undefined);
      if (stored === undefined) continue;
      const n = numberOf(stored);
      assert.ok(!this.dropped.has(n), `${n} was dropped, and comes again`);
      this.dropped.add(n);
      queue.drop(stored);
    }
  }

  /**
   * Judges what a new process finds.
   * @param mayReturn whether a message that was refused may be there: where the disk took back nothing
   */
  judge(found: readonly number[], mayReturn = false): void {
    const there = new Set(found);
    assert.equal(there.size, found.length, `twice: ${found}`);
    assert.deepEqual(
      found,
      found.toSorted((a, b) => a - b),
      'in order',
    );
    const missing = [...this.acked].filter((n) => !this.dropped.has(n) && !there.has(n));
    assert.deepEqual(missing, [], 'acknowledged, and lost');
    const back = [...this.refused].filter((n) => there.has(n));
    if (!mayReturn) assert.deepEqual(back, [], 'refused, and there');
    if (mayReturn) return;
    const again = found.filter((n) => this.dropped.has(n));
    const last = [...this.dropped].slice(this.dropped.size - again.length);
    assert.deepEqual(again, last, 'of the dropped ones, the last ones come back');
  }
}
