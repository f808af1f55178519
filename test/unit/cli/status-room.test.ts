import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redraw, rowsOf, screenOf } from '../../../agent/cli/kit/screen.ts';
import { renderStatus } from '../../../agent/cli/status/screen.ts';
import { failure } from '../../../agent/failure/failure.ts';
import { ended, leaf, NOW, statusWith } from './stage.ts';

const at = (ms: number) => new Date(NOW + ms).toISOString();
const trail = Array.from({ length: 10 }, (_, index) => ({
  at: at(-index * 1000),
  from: 'serving',
  to: 'registering',
  why: 'asked',
})) as never;
const trouble = failure('NL-DPS-401002');
const calm = statusWith({ last: ended({ endedAt: at(-61_000) }), trail });
const parked = statusWith({
  person: true,
  next: { slot: 'a', standing: 'parked', leaf, askAt: at(360_000), refusals: 2, trouble },
  last: ended({ outcome: 'person', ...trouble, endedAt: at(-61_000) }),
  trail,
  trouble,
});

const SIZES = [
  { rows: 24, columns: 80 },
  { rows: 24, columns: 40 },
  { rows: 16, columns: 80 },
  { rows: 16, columns: 60 },
];

for (const [name, status] of Object.entries({ calm, parked })) {
  for (const room of SIZES) {
    const { rows, columns } = room;
    test(`watched at ${columns}x${rows}, ${name}: head, what to do and the way out are on the screen`, () => {
      const out = { isTTY: true, rows, columns, write() {} };
      const screen = screenOf(out, { LANG: 'C.UTF-8', NO_COLOR: '1' });
      const text = renderStatus(status, screen, { directory: '/var/lib/newleaf', room, isWatched: true });
      const lines = text.trimEnd().split('\n');
      assert.ok(rowsOf(lines, columns) < rows, text);
      assert.equal(redraw(text, out, false).split('\n').length, lines.length + 1, 'nothing is left out');
      assert.match(text, /gw-0001: serving with the/);
      assert.match(text, /What to do/);
      assert.match(text, /Ctrl-C ends this\./);
      if (!/Thumbprint/.test(text)) assert.match(text.replaceAll(/\s+/g, ' '), /All of it: `newleaf status`\./);
      assert.deepEqual(
        lines.filter((line) => line.length > columns),
        [],
      );
    });
  }
}

test('a plain status fits a terminal of 80x24, with its head', () => {
  const room = { rows: 24, columns: 80 };
  const screen = screenOf({ isTTY: true, ...room, write() {} }, { LANG: 'C.UTF-8', NO_COLOR: '1' });
  const lines = renderStatus(calm, screen, { directory: '/var/lib/newleaf', room }).trimEnd().split('\n');
  assert.ok(rowsOf(lines, room.columns) < room.rows, lines.join('\n'));
  assert.match(lines.join('\n'), /Thumbprint[\s\S]*Lately[\s\S]*What to do/);
  const long = renderStatus(calm, screen, { directory: '/var/lib/newleaf' });
  assert.equal(long.match(/registering: asked for/g)?.length, 6, 'all of it, where there is no terminal');
});
