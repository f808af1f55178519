import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judge } from './asks.ts';
import { play } from './play.ts';
import { rowsOf } from './row.ts';
import { TABLE } from './table/index.ts';

/** ONLY=text plays the rows whose title has it. */
const only = process.env.ONLY ?? '';

for (const [about, rows] of Object.entries(TABLE)) {
  describe(about, () => {
    for (const row of rows.filter(({ title }) => title.includes(only))) {
      test(row.title, async () => {
        const { wrong, asked, words } = await play(row);
        const told = `${wrong.join('\n')}\n  to be asked: ${row.asks}\n  was asked:   ${asked}\n  status says: ${words.join(', ')}`;
        assert.deepEqual(wrong, [], told);
      });
    }
  });
}

test('a title is told once', () => {
  const titles = Object.values(TABLE).flatMap((rows) => rows.map(({ title }) => title));
  assert.deepEqual(
    titles.filter((title, index) => titles.indexOf(title) !== index),
    [],
  );
});

describe('what is asked is compared', () => {
  const minutes = (...calls: readonly (readonly [call: string, minute: number])[]) =>
    calls.map(([call, minute]) => ({ call, at: minute * 60_000 }));
  const told = minutes(['make b', 1], ['connect b', 2], ['connect b', 3], ['register b', 9]);
  for (const [asks, is] of [
    ['make b, connect b, connect b, register b', 'done'],
    ['make b, connect b x2, register b 5-7', 'done'],
    ['make b, connect b *, register b 5-7, nothing 10', 'done'],
    ['make b 0-0.5', 'wrong'],
    ['make b, connect b x3', 'wrong'],
    ['make b, connect b * 3-4', 'wrong'],
    ['make b, connect b *, register b 7-9', 'wrong'],
    ['make b, connect b *, destroy b', 'wrong'],
    ['nothing 5', 'wrong'],
    ['make b, connect b *, register b, nothing 90', 'waiting'],
    ['make b, connect b *, register b, register b', 'waiting'],
    ['make b, connect b *, register b, register b 5-7', 'wrong'],
  ] as const) {
    test(`${asks}: ${is}`, () => assert.equal(judge(asks, told, 0, 20 * 60_000).is, is));
  }
});

test('a row that is not true fails, and says where', async () => {
  const [row] = rowsOf(
    'not true\n  [individual] roll · 2 s\n  → issue b, register a beside make b | stranded, not online',
  );
  assert.ok(row);
  const { wrong, asked } = await play(row);
  assert.deepEqual(wrong, [
    '"register a" was to come',
    'status does not say "stranded"',
    'status does not say "not online"',
  ]);
  assert.match(asked, /^issue b 0\.\d, register b 0\.\d/);
});

test('what is no row is told', () => {
  assert.throws(() => rowsOf('a promise\n  roll\nanother\n  roll → make b'), /"a promise" is no row/);
});
