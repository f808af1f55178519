import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './blocks.ts';

/** A row of the reading order: `| FILE | LINES | what it answers |`. */
const ROW = /^\| `([^`]+)` \| (\d+) \|/gm;
/** How much a file may grow before its row is written anew. */
const TOLERANCE = 0.15;

export interface Reading {
  readonly file: string;
  /** In the row. */
  readonly told: number;
  readonly lines: number;
}

/** The files of a reading order. @throws Error for a missing one */
export const readingsIn = (table: string): readonly Reading[] =>
  [...table.matchAll(ROW)].map(([, file = '', told]) => ({
    file,
    told: Number(told),
    lines: readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1,
  }));

/** The same table with outdated counts corrected, in tens of lines. */
export function renewCounts(table: string): string {
  const readings = new Map(readingsIn(table).map((reading) => [reading.file, reading]));
  return table.replace(ROW, (row, file: string) => {
    const { told = 0, lines = 0 } = readings.get(file) ?? {};
    const near = Math.abs(told - lines) <= Math.max(10, lines * TOLERANCE);
    return near ? row : `| \`${file}\` | ${Math.max(10, Math.round(lines / 10) * 10)} |`;
  });
}
