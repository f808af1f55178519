import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AZURE_STAYS } from './azure/lasting.ts';
import { FAULTS } from './faults.ts';
import type { Row } from './lasting.ts';

const alone = join(import.meta.dirname, 'alone.ts');
const CORES = 2;

/** Every fault that stays, of a CA or of Azure, in the order of their list: the work of two cores. */
export async function rowsOf(days: number, by: 'CA' | 'Azure' = 'CA'): Promise<readonly Row[]> {
  const faults = by === 'CA' ? FAULTS : AZURE_STAYS;
  const parts = Array.from({ length: CORES }, async (_, part) => {
    const argv = ['--import', 'tsx', alone, '--days', `${days}`, '--part', `${part}`, '--of', `${CORES}`].concat(
      by === 'CA' ? [] : '--azure',
    );
    const { stdout } = await promisify(execFile)(process.execPath, argv, { maxBuffer: 2 ** 24 });
    return stdout
      .trim()
      .split('\n')
      .map((line): Row => JSON.parse(line));
  });
  const rows = new Map((await Promise.all(parts)).flat().map((row) => [row.fault, row]));
  return [...faults.keys()].flatMap((fault) => rows.get(fault) ?? []);
}
