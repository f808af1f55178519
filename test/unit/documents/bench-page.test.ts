import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPage } from '../../../scripts/pages/blocks.ts';
import { FIGURES, figuresIn, MONTHS } from '../../bench/figures.ts';
import { longRun } from '../../bench/long-run.ts';
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
    {
      machine: { kernel: '6.1' },
      found: { 'Node 24': [measured('start', 'ms', value, floor), measured('lone', '', floor)] },
    },
    {
      machine: { kernel: '6.2' },
      found: { 'Node 20': [measured('gained', 'MiB', floor)], 'Node 24': [measured('gained', 'MiB', value)] },
    },
  );
  assert.match(page, /^- kernel: 6\.1$/m);
  assert.match(page, /^## Node 24$/m);
  assert.match(page, /^\| start \| 40 ms \(30 to 50\) \| 20 ms \| 2\.00x \| {2}\|$/m);
  const [, months = ''] = page.split('## Months');
  assert.match(months, /^- kernel: 6\.2$/m);
  assert.match(months, /\(months-24\.svg\)/);
  assert.match(months, /^\| gained \| 20 MiB \| 40 MiB \|$/m);
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

test('the page is that of the last run, and README.md says the memory of it', () => {
  const figures = figuresIn(FIGURES);
  assert.equal(readPage('test/bench/README.md'), pageOf(figures, figuresIn(MONTHS)));
  const [, ...said] = /(\d+) MiB of memory \((\d+) with Node 20\)/.exec(readPage('README.md')) ?? [];
  const taken = ['Node 24', 'Node 20'].map(
    (node) => figures.found[node]?.find(({ name }) => name === 'idle PSS')?.value,
  );
  assert.deepEqual(
    said.map((mib, index) => Math.abs(Number(mib) - (taken[index] ?? Number.NaN)) <= 2),
    [true, true],
    `${taken} MiB were measured`,
  );
});

test('the picture of a long run has a panel for each thing that was done, and a curve of memory in each', () => {
  const look = (done: number, pss: number) => ({
    done,
    pss,
    anon: 10,
    descriptors: 20,
    objects: 2,
    stateKb: 1,
    writtenKb: done,
  });
  const picture = longRun([
    { name: 'rolls', looks: [look(0, 40), look(500, 40)] },
    { name: 'messages', looks: [look(0, 40), look(1_000_000, 20)] },
  ]);
  assert.match(picture, />500 rolls</);
  assert.match(picture, />1,000,000 messages</);
  const curves = [...picture.matchAll(/points="([^"]*)" class="s-work"/g)].map(([, points]) => points);
  assert.deepEqual(curves, ['56,64 296,64', '326,64 566,134']);
});
