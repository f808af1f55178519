import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Fate } from './disk-model.ts';
import { afterOneMore, holding, offset, reopened, SEGMENT, SEGMENT_BYTES, WORDS } from './left-behind.ts';
import { numberOf, type Opened, openOn, range } from './life.ts';

suite('a sector that cannot be read', () => {
  test('costs the messages of its page; it is tried three times, and its segment is never removed', async () => {
    const disk = await holding(120, 10);
    disk.spoil(SEGMENT, 4096, 4097);
    const { queue, found, damaged, warnings } = await reopened(disk);
    const lost = range(0, 120).filter((n) => offset(n) < 8192 && offset(n + 1) > 4096);
    const left = range(0, 120).filter((n) => !lost.includes(n));
    assert.deepEqual([found, damaged, warnings], [left, lost.length, WORDS]);
    assert.equal(disk.calls.filter((name) => name === 'read').length > 3, true);
    assert.deepEqual(await afterOneMore(disk, queue), [...left, 100]);
    assert.ok(disk.names.includes(`${SEGMENT}.bad`), `${disk.names}`);
  });

  test('nor its room: nothing is lost', async () => {
    const disk = await holding(10, 5);
    disk.spoil(SEGMENT, 8192, 8193);
    const { found, damaged } = await reopened(disk);
    assert.deepEqual([found, damaged], [range(0, 10), 0]);
  });

  for (const [what, index] of [
    ['the first', 0],
    ['one in the middle', 1],
    ['the last', -1],
  ] as const) {
    test(`${what} segment cannot be read at all: it is set aside, and the rest goes on`, async () => {
      const disk = await holding(20, 1, 700);
      const path = disk.names.toSorted().at(index) ?? '';
      const [from, next] = [Number(path.slice(-19, -3)) - 1, disk.names.toSorted().at(index + 1 || disk.names.length)];
      const to = next === undefined ? 20 : Number(next.slice(-19, -3)) - 1;
      disk.spoil(path, 0, 1);
      const { queue, found, damaged } = await reopened(disk, undefined, 700);
      const left = range(0, 20).filter((n) => n < from || n >= to);
      assert.deepEqual(found, left);
      assert.equal(damaged, next === undefined ? 1 : to - from);
      assert.deepEqual(await afterOneMore(disk, queue), [...left, 100]);
      assert.ok(disk.names.includes(`${path}.bad`), `${disk.names}`);
    });
  }

  for (const call of ['read', 'open r', 'size'] as const) {
    test(`the only segment, where "${call}" fails: it counts as one message`, async () => {
      const disk = await holding(5, 5);
      const { queue, found, damaged, warnings } = await reopened(disk, ({ name }) =>
        name === call ? 'EIO' : undefined,
      );
      assert.deepEqual([found, damaged, warnings.length], [[], 1, 1]);
      assert.deepEqual(await afterOneMore(disk, queue), [100]);
      assert.ok(disk.names.includes(`${SEGMENT}.bad`), `${disk.names}`);
    });
  }

  for (const call of ['open r', 'read', 'size'] as const) {
    test(`a disk that is away for a moment costs no message: ${call}`, async () => {
      const disk = await holding(20, 5);
      for (let from = 1; from < 12; from += 1) {
        let seen = 0;
        // Neither it nor the flush behind it is answered.
        const isAway = (name: string) => (name === call || seen > 0) && [call, 'syncDirectory'].includes(name);
        const fate: Fate = ({ name, number }) => {
          if (number < from || !isAway(name) || seen === 4) return undefined;
          seen += 1;
          return 'EIO';
        };
        const life = disk.start(fate);
        const open = (): Promise<Opened> => openOn(life, { segmentBytes: SEGMENT_BYTES }).catch(open);
        const queue = await open();
        const found: number[] = [];
        while (found.length < 20) {
          const stored = await queue.next().catch(() => undefined);
          if (stored !== undefined) found.push(numberOf(stored));
        }
        assert.deepEqual([found, queue.counts.damaged], [range(0, 20), 0]);
      }
    });
  }
});
