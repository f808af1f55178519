import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rollPicture } from '../../scripts/pictures/roll.ts';
import { terminal } from '../../scripts/pictures/terminal.ts';

const bar = (words: string, from: number, to: number) => ({ words, colour: 'work', from, to }) as const;

test('the picture of a roll has all by one clock, light and dark', () => {
  const svg = rollPicture({
    phases: [bar('key', 0, 250), bar('sign', 250, 500)],
    standing: [bar('session', 500, 1000)],
    provenAt: 500,
    endedAt: 1000,
  });
  const boxes = [...svg.matchAll(/<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="14"/g)];
  const spans = boxes.map(([, x, width]) => [Number(x), Number(x) + Number(width)]);
  const [[zero = 0, quarter] = [], [start, half] = [], [from, end = 0] = []] = spans;
  assert.equal(spans.length, 3);
  assert.equal(quarter, start);
  assert.equal(half, from);
  assert.equal(half, (zero + end) / 2);
  assert.match(svg, new RegExp(`<line x1="${half}" x2="${half}"`));
  assert.match(svg, /@media \(prefers-color-scheme:dark\)/);
});

test('a still of a terminal: each line, and nothing of it is markup', () => {
  const svg = terminal('a "screen"', '1. <one>\n   0.120 s  hub  says & waits\n');
  assert.match(svg, /class="bold b"[^>]*>1\. &lt;one&gt;<\/text>/);
  assert.match(svg, /class="faint"[^>]*> {3}0\.120 s {2}<\/text><text [^>]*>hub {2}says &amp; waits</);
  assert.match(svg, /<title>a &quot;screen&quot;<\/title>/);
});
