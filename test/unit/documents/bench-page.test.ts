import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageOf } from '../../bench/page.ts';
import { ratios } from '../../bench/picture.ts';
import { measured } from '../../bench/reading.ts';
import { roundRobin, sampleOf } from '../../bench/rounds.ts';

test('subjects take turns, and a figure is the median of its runs', async () => {
  const turns: string[] = [];
  const subject = (name: string, figures: number[]) => async () => {
    turns.push(name);
    return { ms: figures.shift() ?? Number.NaN };
  };
  const found = await roundRobin({ one: subject('one', [9, 1, 5]), other: subject('other', [2, 2, 3]) }, 3);
  assert.deepEqual(turns, ['one', 'other', 'one', 'other', 'one', 'other']);
  assert.deepEqual(found.one.ms, { median: 5, least: 1, most: 9 });
  assert.equal(sampleOf([1, 2]).median, 1.5);
});

test('the page has the machine, and each figure with its spread, floor and ratio', () => {
  const [value, floor] = [sampleOf([30, 40, 50]), sampleOf([20])];
  const page = pageOf(
    { kernel: '6.1' },
    { 'Node 24': [measured('start', 'ms', value, floor), measured('lone', '', floor)] },
  );
  assert.match(page, /^- kernel: 6\.1$/m);
  assert.match(page, /^## Node 24$/m);
  assert.match(page, /^\| start \| 40 ms \(30 to 50\) \| 20 ms \| 2\.00x \| {2}\|$/m);
  assert.match(page, /^\| lone \| 20 \| {2}\| {2}\| {2}\|$/m);
});

test('the picture has a bar for each figure that has a goal, and says which are missed', () => {
  const times = (ratio: number) => [sampleOf([ratio * 10]), sampleOf([10])] as const;
  const picture = ratios({
    'Node 24': [measured('idle PSS', 'MiB', ...times(1.2)), measured('CPU until connected', 'ms', ...times(4.5))],
    'Node 20': [measured('idle PSS', 'MiB', ...times(1.5)), measured('without a goal', 'ms', ...times(9))],
  });
  assert.deepEqual(
    [...picture.matchAll(/>(\d\.\d\dx)</g)].map(([, ratio]) => ratio),
    ['1.20x', '1.50x', '4.50x'],
  );
  assert.deepEqual(
    [...picture.matchAll(/class="(work|next)"\/>/g)].map(([, colour]) => colour),
    ['next', 'work', 'work'],
  );
});
