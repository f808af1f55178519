import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT, readPage } from '../../../scripts/pages/blocks.ts';
import type { Kept } from '../../matrix/record.ts';
import { matrixSum, matrixTable, merged, ROWS, rowsIn } from '../../matrix/table.ts';

const row = (fault: string, recoverySeconds: number): Kept => ({
  group: 'disk',
  fault,
  recoverySeconds,
  lost: 'nothing',
  told: { status: 'NL-STATE-WRITE', exit: 1, twin: 'NL-STATE-WRITE', metrics: '1', systemctl: 'NL-STATE-WRITE' },
  test: 'test/matrix/disk.test.ts',
  day: '2026-11-30',
});

test('the newest record of a row counts, and one that was not played now has a mark', () => {
  const rows = merged([row('full', 5), row('gone', 300)], [row('full', 7)]);
  const shown = matrixTable(rows, ({ fault }) => fault === 'full');
  assert.match(shown, /^\| full \| 7 s \| nothing \| NL-STATE-WRITE \| 1 \|/m);
  assert.match(shown, /^\| gone \(\*\) \| 5 min \|/m);
});

test('the first page has the sum of the rows that are committed, and each of them has its test', () => {
  const rows = rowsIn(ROWS);
  assert.ok(readPage('README.md').includes(matrixSum(rows)), 'npx tsx test/matrix/table.ts FILE --keep');
  assert.deepEqual(
    [...new Set(rows.map((one) => one.test))].filter((one) => !existsSync(join(ROOT, one))),
    [],
  );
});
