import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bar, paint, redraw, rowsOf, type Screen, safe, screenOf, wrap } from '../../../agent/cli/kit/screen.ts';
import { Paper } from './stage.ts';

const plain: Screen = { width: 40, isColoured: false, isUnicode: false };

describe('what a screen can show', () => {
  const rows: readonly (readonly [
    name: string,
    isTTY: boolean,
    env: NodeJS.ProcessEnv,
    colours: boolean,
    utf8: boolean,
  ])[] = [
    ['a terminal', true, { LANG: 'de_DE.UTF-8' }, true, true],
    ['a pipe', false, { LANG: 'de_DE.UTF-8' }, false, true],
    ['NO_COLOR', true, { LANG: 'C.utf8', NO_COLOR: '1' }, false, true],
    ['an empty NO_COLOR is none', true, { LANG: 'C.utf8', NO_COLOR: '' }, true, true],
    ['no locale', true, {}, true, false],
    ['LC_ALL overrules LANG', true, { LC_ALL: 'C', LANG: 'de_DE.UTF-8' }, true, false],
    ['LC_CTYPE overrules LANG', true, { LC_CTYPE: 'en_US.UTF-8', LANG: 'C' }, true, true],
    ['a dumb terminal', true, { TERM: 'dumb', LANG: 'C.UTF-8' }, false, false],
  ];
  for (const [name, isTTY, env, isColoured, isUnicode] of rows) {
    test(name, () => assert.deepEqual(screenOf(new Paper(isTTY), env), { width: 80, isColoured, isUnicode }));
  }

  for (const [columns, width] of [
    [undefined, 80],
    [0, 80],
    [20, 40],
    [72, 72],
    [250, 100],
  ] as const) {
    test(`${columns} columns`, () => {
      const out = { write() {}, ...(columns !== undefined && { columns }) };
      assert.equal(screenOf(out, {}).width, width);
    });
  }

  test('COLUMNS is for an output that has no columns of its own', () => {
    const env = { COLUMNS: '40' };
    assert.equal(screenOf({ write() {} }, env).width, 40);
    assert.equal(screenOf({ write() {}, columns: 72 }, env).width, 72);
    assert.equal(screenOf({ write() {} }, { COLUMNS: 'many' }).width, 80);
  });
});

describe('text', () => {
  const rows: readonly (readonly [text: string, ascii: string, unicode: string])[] = [
    ['hub-1', 'hub-1', 'hub-1'],
    ['Gerät → “x”', 'Ger?t -> ?x?', 'Gerät → “x”'],
    ['\u001b[2J\u0007red\r\n', '?[2J?red??', '?[2J?red??'],
    ['\u009b31m \u202etxt', '?31m ?txt', '?31m ?txt'],
    ['🍃', '?', '🍃'],
  ];
  for (const [text, ascii, unicode] of rows) {
    test(JSON.stringify(text), () => {
      assert.equal(safe(plain, text), ascii);
      assert.equal(safe({ ...plain, isUnicode: true }, text), unicode);
    });
  }

  test('is painted only in colour', () => {
    assert.equal(paint(plain, 'red', 'x'), 'x');
    assert.equal(paint({ ...plain, isColoured: true }, 'red', 'x'), '\u001b[31mx\u001b[0m');
    assert.equal(paint({ ...plain, isColoured: true }, 'red', ''), '');
  });

  test('is wrapped at the width, and long words stay whole', () => {
    const path = `/var/lib/${'x'.repeat(50)}`;
    assert.deepEqual(wrap(plain, `one two three four five six seven eight ${path} nine`, { first: '> ', rest: '  ' }), [
      '> one two three four five six seven',
      '  eight',
      `  ${path}`,
      '  nine',
    ]);
    assert.deepEqual(wrap(plain, 'a\n\tb'), ['a b']);
    assert.deepEqual(wrap(plain, '', { first: '> ' }), ['> ']);
    assert.deepEqual(wrap(plain, 'x'.repeat(40)), ['x'.repeat(40)]);
  });
});

describe('a command in a text', () => {
  const narrow = { ...plain, width: 24 };
  const rows: readonly (readonly [text: string, lines: readonly string[]])[] = [
    ['Then run `newleaf check token`.', ['Then run', '`newleaf check token`.']],
    ['`newleaf roll`, then `newleaf status`', ['`newleaf roll`, then', '`newleaf status`']],
    // To a shell it is one command.
    ['Run `newleaf install /a/long/path`', ['Run `newleaf install \\', '/a/long/path`']],
    ['one ` alone breaks no line', ['one ` alone breaks no', 'line']],
  ];
  for (const [text, lines] of rows)
    test(`${text}: whole where a line takes it`, () => assert.deepEqual(wrap(narrow, text), lines));
});

describe('bar', () => {
  const rows: readonly (readonly [share: number, mark: number | undefined, drawn: string])[] = [
    [0, undefined, '..........'],
    [0.5, undefined, '#####.....'],
    [0.5, 0.66, '#####..|..'],
    [0.9, 0.66, '#######|#.'],
    [1, 1, '#########|'],
    [-3, -3, '|.........'],
    [7, undefined, '##########'],
  ];
  for (const [share, mark, drawn] of rows) {
    test(`${share} with ${mark}`, () => assert.equal(bar(plain, share, mark, 10), drawn));
  }
});

describe('redraw', () => {
  test('clears once, then only writes over', () => {
    const paper = new Paper(true);
    assert.equal(redraw('a\nb\n', paper, true), '\u001b[2J\u001b[Ha\u001b[K\nb\u001b[K\n\u001b[J');
    assert.equal(redraw('a\nb\n', paper, false), '\u001b[Ha\u001b[K\nb\u001b[K\n\u001b[J');
  });

  test('leaves out what would make the terminal scroll', () => {
    const drawn = redraw('1\n2\n3\n4\n', { write() {}, rows: 3 }, false);
    assert.equal(drawn, '\u001b[H1\u001b[K\n2\u001b[K\n\u001b[J');
  });

  test('a line that is too long for the terminal takes several rows; colours take none', () => {
    const drawn = redraw('1234567890\n2\n3\n', { write() {}, rows: 4, columns: 5 }, false);
    assert.equal(drawn, '\u001b[H1234567890\u001b[K\n2\u001b[K\n\u001b[J');
    assert.equal(rowsOf(['12345', '\u001b[32m12345\u001b[0m', '123456', ''], 5), 5);
  });
});
