import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const FILES = ['rows-requests', 'rows-leaf', 'rows-key', 'asks'];
/** With its name, its sentence and its braces. */
const MOST_LINES = 12;

/** From the brace before the name of a row to the one at the same depth. */
function rowsOf(file: string): readonly (readonly [name: string, lines: number])[] {
  const lines = readFileSync(new URL(`../../../agent/roll/core/${file}.ts`, import.meta.url), 'utf8').split('\n');
  return lines.flatMap((line, at) => {
    const [, indent = '', name] = /^( +)name: '(.+)',$/.exec(line) ?? [];
    if (name === undefined) return [];
    const end = lines.findIndex((one, index) => index > at && one.startsWith(`${indent.slice(2)}}`));
    return [[name, end - at + 2] as const];
  });
}

for (const file of FILES)
  test(`each row of ${file} is read at one glance`, () => {
    const rows = rowsOf(file);
    assert.ok(rows.length > 0);
    assert.deepEqual(
      rows.filter(([, lines]) => lines > MOST_LINES),
      [],
    );
  });
