import assert from 'node:assert/strict';
import type { Failure } from '../../../../agent/failure/failure.ts';
import { recordBytes } from '../../../../agent/uplink/queue/record.ts';
import { diceOf } from '../../../search/dice.ts';
import { type Fate, ModelDisk } from './disk-model.ts';
import { append, DIRECTORY, message, numbersIn, type Opened, openOn, range } from './life.ts';

export const SEGMENT = `${DIRECTORY}/${'1'.padStart(16, '0')}.q2`;
export const SEGMENT_BYTES = 10_000;
const sizes = range(0, 200).map((n) => recordBytes(message(n)));
export const offset = (n: number) => sizes.slice(0, n).reduce((sum, size) => sum + size, 0);

async function written(count: number, batch: number, segmentBytes: number) {
  const disk = new ModelDisk(diceOf(1));
  const queue = await openOn(disk.start(), { segmentBytes });
  for (let n = 0; n < count; n += batch) await append(queue, n, n + batch);
  return { disk, queue };
}

/** A disk with so many messages in batches of this size, from a process that was killed. */
export const holding = async (count: number, batch: number, segmentBytes = SEGMENT_BYTES): Promise<ModelDisk> =>
  (await written(count, batch, segmentBytes)).disk;

/** The same, from one that was ended. */
export async function closed(count: number, batch: number): Promise<ModelDisk> {
  const { disk, queue } = await written(count, batch, SEGMENT_BYTES);
  await queue.close();
  assert.equal(disk.bytesOf(SEGMENT).length, offset(count), 'nothing is behind the last message');
  return disk;
}

/** What the next process finds, and what it says. */
export async function reopened(disk: ModelDisk, fate?: Fate, segmentBytes = SEGMENT_BYTES) {
  const warnings: string[] = [];
  const warn = ({ code, message: words }: Failure) => warnings.push(`${code} ${words}`);
  const queue = await openOn(disk.start(fate), { segmentBytes, warn });
  const found = await numbersIn(queue);
  assert.equal(queue.count, found.length);
  return { queue, found, damaged: queue.counts.damaged, warnings };
}

/** Adds a message to a queue that was damaged, and cuts the power: what is there then. All of it can be dropped. */
export async function afterOneMore(disk: ModelDisk, queue: Opened): Promise<number[]> {
  await queue.append(message(100));
  disk.cutPower();
  const last = await openOn(disk.start(), { segmentBytes: SEGMENT_BYTES });
  const found = await numbersIn(last);
  last.rewind();
  for (let stored = await last.next(); stored !== undefined; stored = await last.next()) last.drop(stored);
  assert.deepEqual([last.count, last.bytes, last.oldestAt], [0, 0, undefined]);
  return found;
}

export const WORDS = [
  `NL-UPLINK-DISK Messages in ${SEGMENT} are lost: their bytes have changed on disk, or cannot be read.`,
] as const;
