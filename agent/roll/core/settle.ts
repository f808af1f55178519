import type { Circumstances, Memory } from './memory.ts';
import type { Row } from './row.ts';
import { KEYS } from './rows-key.ts';
import { LEAVES } from './rows-leaf.ts';
import { REQUESTS } from './rows-requests.ts';

/** Facts that follow from facts. The first row that applies, again until none does. */
export const ROWS: readonly Row[] = [...REQUESTS, ...LEAVES, ...KEYS];

/** @throws Error where rows go round in a circle: a defect of theirs */
export function settle(memory: Memory, c: Circumstances): Memory {
  let settled = memory;
  const passed: string[] = [];
  for (let round = 0; round < 20; round += 1) {
    const row = ROWS.find(({ apply }) => apply(settled, c) !== undefined);
    if (row === undefined) return settled;
    settled = row.apply(settled, c) ?? settled;
    passed.push(row.name);
  }
  throw new Error(`the rows do not come to rest: ${passed.join(', ')}`);
}
