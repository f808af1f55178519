import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Count, Progress } from '../../../agent/cli/kit/progress.ts';
import { screenOf } from '../../../agent/cli/kit/screen.ts';
import { Paper } from './stage.ts';

const ERASE = '\r\u001b[K';
const on = (isTTY: boolean) => {
  const out = new Paper(isTTY);
  return { out, screen: screenOf(out, {}) };
};

test('a count fills up, and its last state stays', () => {
  const ended = (label: string, part: number, total: number, note?: string) => {
    const { out, screen } = on(false);
    const count = new Count(out, screen, label);
    count.show(part, total, note);
    count.end();
    count.end();
    return out.text;
  };
  assert.deepEqual(
    [ended('asked', 0, 20), ended('asked', 7, 20, '1 \u001b[2Jfailed'), ended('back', 20, 20), ended('back', 0, 0)],
    [
      'asked   [........................]  0/20\n',
      'asked   [########................]  7/20  1 ?[2Jfailed\n',
      'back    [########################] 20/20\n',
      'back    [........................] 0/0\n',
    ],
  );
});

test('on a terminal it is drawn in place, once for each change', () => {
  const { out, screen } = on(true);
  const count = new Count(out, screen, 'back');
  for (const part of [0, 0, 1]) count.show(part, 1);
  count.end();
  const [none, all] = [`back    [${'.'.repeat(24)}] 0/1`, `back    [${'#'.repeat(24)}] 1/1`];
  assert.equal(out.text, `${ERASE}| ${none}${ERASE}| ${all}${ERASE}${all}\n`);
});

test('a line that would wrap is cut between words: it could not be drawn over', () => {
  const drawn = (columns: number, words: string) => {
    const { out, screen } = on(true);
    out.columns = columns;
    const progress = new Progress(out, screen);
    progress.doing(words);
    progress.end();
    return out.text.split(ERASE)[1];
  };
  const words = 'waiting for the issuer to sign';
  assert.deepEqual(
    [33, 32, 20, 12, 4].map((columns) => drawn(columns, words)),
    [`| ${words}`, '| waiting for the issuer to ...', '| waiting for ...', '| ...', '| w'],
  );
  assert.equal(drawn(6, 'registering'), '| ...');
});

test('a line that stays goes on below itself, where it is too long', () => {
  const paper = new Paper(true);
  paper.columns = 40;
  const progress = new Progress(paper, screenOf(paper, {}));
  progress.print('  0.45 s  waiting for the issuer to sign the next leaf: leaf issued\nshort\n');
  assert.equal(
    paper.text,
    `  0.45 s  waiting for the issuer to sign
          the next leaf: leaf issued
short
`,
  );
});

test('a bar leaves room for its count and a note', () => {
  const paper = new Paper(true);
  paper.columns = 40;
  const count = new Count(paper, screenOf(paper, {}), 'asked');
  count.show(500, 1000, '1 failed');
  count.end();
  assert.match(paper.text, /\[#####\.{5}\] {2}500\/1000/);
});
