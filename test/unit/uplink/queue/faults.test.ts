import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { diceOf } from '../../../search/dice.ts';
import { ahead } from '../../ahead.ts';
import { type Fate, ModelDisk } from './disk-model.ts';
import { numbersIn, type Opened, openOn, Witness } from './life.ts';

/** A few sectors. */
const SMALL = { segmentBytes: 2000 };

/** Bursts, and a reader that follows; and a head that only the records note. */
async function live(disk: ModelDisk, witness: Witness, fate?: Fate): Promise<void> {
  const process = disk.start(fate);
  const open = (): Promise<Opened> => openOn(process, SMALL).catch(open);
  const queue = await open();
  for (let round = 0; round < 12; round += 1) {
    await witness.burst(queue, 12);
    await witness.drain(queue, 10);
  }
  await queue.close();
}

/** The life of a process until it ends, or until its disk answers no more. */
async function until(life: Promise<void>, disk: ModelDisk): Promise<void> {
  let isOver = false;
  const end = life.finally(() => {
    isOver = true;
  });
  let idle = 0;
  let calls = disk.calls.length;
  while (!isOver && idle < 5) {
    await turn();
    idle = calls === disk.calls.length ? idle + 1 : 0;
    calls = disk.calls.length;
  }
  if (isOver) await end;
}

type Crash = 'kill' | 'power cut';

/** Two more processes: what the first one finds, and whether a queue that was mended can be relied on. */
async function afterwards(disk: ModelDisk, witness: Witness, crash: Crash, mayReturn: boolean): Promise<void> {
  if (crash === 'power cut') disk.cutPower();
  const second = await openOn(disk.start(), SMALL);
  const { count } = second;
  const found = await numbersIn(second);
  witness.judge(found, mayReturn);
  assert.ok(crash === 'power cut' || second.counts.damaged === 0, 'a crash of the process damages nothing');
  assert.equal(second.count, found.length);
  const unwritten = count - found.length - second.counts.damaged;
  assert.ok(crash === 'kill' ? unwritten === 0 : unwritten >= 0, `${count} announced, ${found.length} there`);
  const before = witness.acked.size;
  await witness.burst(second, 5);
  assert.equal(witness.acked.size, before + 5, 'it takes messages again');
  disk.cutPower();
  const third = await openOn(disk.start(), SMALL);
  witness.judge(await numbersIn(third), mayReturn);
  third.rewind();
  for (let stored = await third.next(); stored !== undefined; stored = await third.next()) third.drop(stored);
  assert.deepEqual([third.count, third.bytes, third.oldestAt], [0, 0, undefined]);
  await third.close();
  assert.ok(disk.names.length <= 2, `${disk.names}`);
  const fourth = await openOn(disk.start(), SMALL);
  assert.equal(await fourth.next(), undefined, 'close has noted what is dropped');
}

async function play(fate: Fate | undefined, crash: Crash, seed: number, mayReturn = false): Promise<number> {
  const disk = new ModelDisk(diceOf(seed), seed % 3 === 0 ? 4096 : 512);
  const witness = new Witness();
  await until(live(disk, witness, fate), disk);
  const { length } = disk.calls;
  await afterwards(disk, witness, crash, mayReturn);
  return length;
}

const CRASHES: readonly Crash[] = ['kill', 'power cut'];
const whole = await play(undefined, 'kill', 1);

const stories = CRASHES.flatMap((crash): readonly (readonly [name: string, play: () => Promise<void>])[] => [
  [
    `each call in turn fails once, then a ${crash}`,
    async () => {
      for (let at = 1; at <= whole; at += 1)
        await play(({ number }) => (number === at ? (at % 2 === 0 ? 'EIO' : 'ENOSPC') : undefined), crash, at);
    },
  ],

  [
    `each call in turn and the one behind it fail, then a ${crash}`,
    async () => {
      for (let at = 1; at <= whole; at += 1)
        await play(({ number }) => (number === at || number === at + 1 ? 'EIO' : undefined), crash, at);
    },
  ],

  [
    `the disk takes nothing from some call on, then a ${crash}`,
    async () => {
      const takes = /^(write|open w)/;
      for (let at = 1; at <= whole; at += 1) {
        const isFull = (number: number) => number >= at && number < at + 40;
        await play(({ number, name }) => (isFull(number) && takes.test(name) ? 'ENOSPC' : undefined), crash, at);
      }
    },
  ],

  [
    `no sync works from some call on, then a ${crash}`,
    async () => {
      for (let at = 1; at <= whole; at += 1) {
        const isSick = (number: number) => number >= at && number < at + 40;
        const fate: Fate = ({ number, name }) => (isSick(number) && /sync/.test(name) ? 'EIO' : undefined);
        // What was cut off without a sync may be there again after a power cut.
        await play(fate, crash, at, crash === 'power cut');
      }
    },
  ],

  [
    `nothing works from some call on, then a ${crash}`,
    async () => {
      for (let at = 20; at <= whole; at += 1)
        await play(({ number }) => (number >= at && number < at + 60 ? 'EIO' : undefined), crash, at, true);
    },
  ],

  [
    `the process dies before each call in turn, then a ${crash}`,
    async () => {
      for (let at = 1; at <= whole; at += 1) {
        const fate: Fate = ({ number }) => (number === at ? 'dies' : undefined);
        await play(fate, crash, at);
        if (crash === 'power cut') await play(fate, crash, at + 1000);
      }
    },
  ],
]);
const told: (readonly [name: string, told: Awaited<ReturnType<typeof ahead>>])[] = [];
for (const [name, play] of stories) told.push([name, await ahead(play)]);

suite('the queue of a disk that fails', () => {
  test('there are calls to fail', () => assert.ok(whole > 100 && whole < 600, `${whole} calls`));
  for (const [name, story] of told) test(name, story);
});
