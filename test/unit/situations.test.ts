import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { ENROLLMENTS } from './situations/enrollments.ts';
import { HUBS } from './situations/hubs.ts';
import { REGISTRATIONS } from './situations/registrations.ts';
import { play, type Situation } from './situations/situation.ts';

/** What can happen to a gateway between hub, DPS, network and token, and how it reacts: one row each. */
const SITUATIONS: readonly Situation[] = [...ENROLLMENTS, ...HUBS, ...REGISTRATIONS].sort(
  (one, other) => one.row - other.row,
);

const root = join(import.meta.dirname, '..', '..');

/** Asserts that a test, or a row of a test, of this name stands in that file. */
function stands(pointer: string): void {
  const [, file = '', name = ''] = /^(\S+\.ts): (.+)$/.exec(pointer) ?? [];
  const text = readFileSync(join(root, file), 'utf8');
  const quoted = [`'${name}'`, `"${name}"`, `\`${name}\``];
  assert.ok(quoted.some((one) => text.includes(one)) || text.split('\n').includes(name), `${file} has no ${name}`);
}

test('the table has every situation, once', () => {
  assert.deepEqual(
    SITUATIONS.map(({ row }) => row),
    Array.from({ length: 47 }, (_, index) => index + 1),
  );
});

suite('situations', () => {
  for (const { row, title, plays = [], elsewhere = [], because } of SITUATIONS) {
    test(`${row}: ${title}`, (t) => {
      if (because !== undefined) t.diagnostic(because);
      assert.ok(plays.length + elsewhere.length > 0 || because !== undefined, 'played, or said why not');
      for (const one of plays) play(one);
      for (const pointer of elsewhere) stands(pointer);
    });
  }
});
