import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageOf } from '../../bench/page.ts';
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
