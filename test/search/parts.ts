import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FAULTS } from './faults.ts';
import type { Row } from './lasting.ts';

const alone = join(import.meta.dirname, 'alone.ts');
const CORES = 2;

/** Every fault that stays, in the order of their list: the work of two cores. */
export async function rowsOf(days: number): Promise<readonly Row[]> {
  const parts = Array.from({ length: CORES }, async (_, part) => {
    const argv = ['--import', 'tsx', alone, '--days', `${days}`, '--part', `${part}`, '--of', `${CORES}`];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { maxBuffer: 2 ** 24 });
    return stdout
      .trim()
      .split('\n')
      .map((line): Row => JSON.parse(line));
  });
  const rows = new Map((await Promise.all(parts)).flat().map((row) => [row.fault, row]));
  return [...FAULTS.keys()].flatMap((fault) => rows.get(fault) ?? []);
}
