import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './blocks.ts';

/** A row of the reading order: `| FILE | LINES | what it answers |`. */
const ROW = /^\| `([^`]+)` \| (\d+) \|/gm;
/** A file may grow by so much before its row is written anew. */
const TOLERANCE = 0.15;

export interface Reading {
  readonly file: string;
  /** As its row says. */
  readonly told: number;
  readonly lines: number;
}

/** The files of a reading order. @throws Error where one is not there */
export const readingsIn = (table: string): readonly Reading[] =>
  [...table.matchAll(ROW)].map(([, file = '', told]) => ({
    file,
    told: Number(told),
    lines: readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1,
  }));

/** The same table with the counts that are out of date put right, in tens of lines. */
export function renewCounts(table: string): string {
  const readings = new Map(readingsIn(table).map((reading) => [reading.file, reading]));
  return table.replace(ROW, (row, file: string) => {
    const { told = 0, lines = 0 } = readings.get(file) ?? {};
    const near = Math.abs(told - lines) <= Math.max(10, lines * TOLERANCE);
    return near ? row : `| \`${file}\` | ${Math.max(10, Math.round(lines / 10) * 10)} |`;
  });
}
