import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordBytes } from '../../../../agent/uplink/queue/record.ts';
import { diceOf } from '../../../search/dice.ts';
import { ModelDisk } from './disk-model.ts';
import { append, message, numbersIn, openOn, range } from './life.ts';

/** More of them: `DAMAGED=3000`. */
const QUEUES = Number(process.env.DAMAGED ?? 300);
const MOST = 150;
const sizes = range(0, MOST).map((n) => recordBytes(message(n)));

type Dice = (sides: number) => number;
interface Place {
  readonly path: string;
  readonly from: number;
  readonly to: number;
}
interface Damage extends Place {
  /** It may look like the work of a crash, or like nothing. */
  readonly isSilent: boolean;
}

/** Damages a file somewhere, in one of the ways of a bad disk. @returns where */
function damage(disk: ModelDisk, dice: Dice, boundaries: readonly number[]): Damage {
  const path = disk.names[dice(disk.names.length)] ?? '';
  const { length } = disk.bytesOf(path);
  const from = dice(length + 1);
  const to = Math.min(length, from + 1 + dice(dice(2) === 0 ? 40 : 1500));
  const sector = from - (from % 512);
  switch (dice(6)) {
    case 0: {
      disk.alter(path, (bytes) =>
        bytes.fill((bytes[from] ?? 0) ^ (1 << dice(8)), Math.min(from, length), Math.min(from + 1, length)),
      );
      return { path, from, to: from + 1, isSilent: false };
    }
    case 1: {
      disk.alter(path, (bytes) => noise(bytes, from, to, dice));
      return { path, from, to, isSilent: false };
    }
    case 2: {
      disk.alter(path, (bytes) => bytes.fill(0, sector, Math.min(length, sector + 512)));
      return { path, from: sector, to: sector + 512, isSilent: path === disk.names.toSorted().at(-1) };
    }
    case 3: {
      disk.alter(path, (bytes) => bytes.subarray(0, from));
      return { path, from, to: Number.POSITIVE_INFINITY, isSilent: from === 0 || boundaries.includes(from) };
    }
    case 4: {
      disk.spoil(path, from, from + 1);
      return { path, from: from - (from % 4096), to: from - (from % 4096) + 4096, isSilent: false };
    }
    default: {
      disk.delete(path);
      return { path, from: 0, to: Number.POSITIVE_INFINITY, isSilent: true };
    }
  }
}

function noise(bytes: Buffer, from: number, to: number, dice: Dice): Buffer {
  for (let at = from; at < to; at += 1) bytes[at] = dice(256);
  return bytes;
}

/** Where each message is: of those that were stored one after the other, in segments of this length. */
function placesOf(disk: ModelDisk): Map<number, Place> {
  const places = new Map<number, Place>();
  for (const path of disk.names) {
    let from = 0;
    const bytes = disk.bytesOf(path);
    for (let n = Number(path.slice(-19, -3)) - 1; n < MOST && bytes.toString('latin1', from, from + 4) === 'NLQ2'; ) {
      const isNote = bytes.readUInt16BE(from + 32) === 0xff_ff;
      const to = from + (isNote ? 38 : (sizes[n] ?? 0));
      if (!isNote) places.set(n++, { path, from, to });
      from = to;
    }
  }
  return places;
}

test('of a damaged queue, each message that is whole comes, in order; it takes messages, and can be emptied', async () => {
  let told = 0;
  for (let seed = 1; seed <= QUEUES; seed += 1) {
    const random = diceOf(seed);
    const dice: Dice = (sides) => Math.floor(random() * sides);
    const disk = new ModelDisk(random);
    const options = { segmentBytes: [900, 4000, 20_000][dice(3)] ?? 0 };
    const first = await openOn(disk.start(), options);
    const sent = 1 + dice(MOST - 1);
    for (let n = 0; n < sent; ) {
      const to = Math.min(sent, n + 1 + dice(12));
      await append(first, n, to);
      n = to;
    }
    const dropped = dice(2) === 0 ? 0 : dice(sent);
    for (let n = 0; n < dropped; n += 1) first.drop((await first.next()) ?? assert.fail());
    if (dice(2) === 0) await first.close();
    const places = placesOf(disk);
    const boundaries = [...places.values()].map(({ to }) => to);
    const damages: Damage[] = [];
    for (let left = 1 + dice(3); left > 0 && disk.names.length > 0; left -= 1)
      damages.push(damage(disk, dice, boundaries));
    const whole = [...places].flatMap(([n, { path, from, to }]) => {
      const isHit = damages.some((one) => one.path === path && one.from < to && one.to > from);
      return isHit || n < dropped ? [] : [n];
    });

    const queue = await openOn(disk.start(), options);
    const found = await numbersIn(queue);
    assert.deepEqual(
      found,
      found.toSorted((one, other) => one - other),
      `queue ${seed}: in order`,
    );
    assert.equal(new Set(found).size, found.length, `queue ${seed}: once`);
    const there = new Set(found);
    assert.deepEqual(
      whole.filter((n) => !there.has(n)),
      [],
      `queue ${seed}: whole, and lost`,
    );
    assert.equal(queue.count, found.length);
    const lost = sent - dropped - found.filter((n) => n >= dropped).length;
    const isTold = damages.length === 1 && damages.every(({ isSilent }) => !isSilent);
    assert.ok(!isTold || lost === 0 || queue.counts.damaged > 0, `queue ${seed}: ${lost} lost, and not a word`);
    told += isTold && lost > 0 ? 1 : 0;
    await append(queue, sent, sent + 1);
    assert.deepEqual(await numbersIn(queue), [sent], `queue ${seed}: it goes on`);
    queue.rewind();
    for (let stored = await queue.next(); stored !== undefined; stored = await queue.next()) queue.drop(stored);
    assert.deepEqual([queue.count, queue.bytes, queue.oldestAt], [0, 0, undefined], `queue ${seed}: empty`);
    await queue.close();
    assert.equal(await (await openOn(disk.start(), options)).next(), undefined, `queue ${seed}: for ever`);
  }
  assert.ok(told > QUEUES / 20, `${told} queues have told of their loss`);
});
