import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GROUPS, type Kept } from './record.ts';

/** The rows that are committed, one a line, in the order of the table. */
export const ROWS = join(import.meta.dirname, 'rows.jsonl');

/** @param path a file that `matrixRow` has written; without it there are none */
export function rowsIn(path: string): readonly Kept[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Kept);
}

const keyOf = ({ group, fault }: Kept): string => `${group}: ${fault}`;

/** Each row once, by its newest record, in the order of the table. */
export function merged(...files: readonly (readonly Kept[])[]): readonly Kept[] {
  const newest = new Map(files.flat().map((row) => [keyOf(row), row]));
  return [...newest.values()].sort(
    (one, other) =>
      GROUPS.indexOf(one.group) - GROUPS.indexOf(other.group) ||
      one.test.localeCompare(other.test) ||
      one.fault.localeCompare(other.fault),
  );
}

const seconds = ({ recoverySeconds, isVirtual }: Kept): string => {
  const shown = recoverySeconds < 120 ? `${Math.round(recoverySeconds)} s` : `${Math.round(recoverySeconds / 60)} min`;
  return isVirtual ? `${shown}, virtual` : shown;
};

/** The table of one group, in Markdown. @param isFresh marks a row of this run */
function tableOf(group: string, rows: readonly Kept[], isFresh: (row: Kept) => boolean): string {
  const head = '| fault | back after | lost | `status` | exit | twin | `newleaf_online` | `systemctl` | who |';
  const lines = rows.map((row) => {
    const { fault, lost, told, by = '' } = row;
    const cells = [
      `${fault}${isFresh(row) ? '' : ' (*)'}`,
      seconds(row),
      lost,
      told.status || 'nothing',
      told.exit,
      told.twin || 'nothing',
      told.metrics,
      told.systemctl || 'nothing',
      by,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [`### ${group}`, '', head, head.replaceAll(/[^|]+/g, '---'), ...lines].join('\n');
}

/** All of it. @param isFresh marks a row of this run; all of them are, where it is left out */
export function matrixTable(rows: readonly Kept[], isFresh: (row: Kept) => boolean = () => true): string {
  return GROUPS.flatMap((group) => {
    const own = rows.filter((row) => row.group === group);
    return own.length === 0 ? [] : [tableOf(group, own, isFresh)];
  }).join('\n\n');
}

const README = join(import.meta.dirname, '..', '..', 'README.md');
/** The sum on the first page. */
const SUM = /\d+ faults were played with the real program[^\n]*? to the truth in each\./;

/** One sentence for the first page. */
export function matrixSum(rows: readonly Kept[]): string {
  const sorted = rows.map(({ recoverySeconds }) => recoverySeconds).sort((one, other) => one - other);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const within = sorted.filter((one) => one <= 60).length;
  return `${rows.length} faults were played with the real program: it serves again after ${Math.round(median)} s (median), in ${within} of them within a minute of the end of the fault; no acknowledged message was lost, and status, its exit code, twin, metrics and systemd were held to the truth in each.`;
}

/**
 * Prints the matrix: `tsx test/matrix/table.ts FILE`, where FILE has what was recorded now; rows that were not are those that
 * were committed, and have a mark. With `--keep` these records are committed with the next commit.
 */
function main([file = '', ...options]: readonly string[]): void {
  const [kept, fresh] = [rowsIn(ROWS), rowsIn(file)];
  const rows = merged(kept, fresh);
  if (options.includes('--keep')) {
    writeFileSync(ROWS, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    writeFileSync(README, readFileSync(README, 'utf8').replace(SUM, matrixSum(rows)));
    execFileSync('npx', ['tsx', 'scripts/readme.ts', 'test/matrix/README.md'], { cwd: dirname(README) });
  }
  const isNew = new Set(fresh.map(keyOf));
  console.log(matrixTable(rows, (row) => isNew.has(keyOf(row))));
  const old = rows.filter((row) => !isNew.has(keyOf(row))).length;
  console.log(
    `\n${matrixSum(rows)}\n${old} of these rows, with (*), were not played now: their figures are the last that were committed.`,
  );
}

if (process.argv[1] === import.meta.filename) main(process.argv.slice(2));
