import { mayBeRight } from '../terms.ts';
import type { Answer, Circumstances, Memory } from './memory.ts';
import type { Row } from './row.ts';
import { KEYS } from './rows-key.ts';
import { LEAVES } from './rows-leaf.ts';
import { REQUESTS } from './rows-requests.ts';

/** By a clock that was ahead, in another process. */
const isAhead = (answer: Answer | undefined, { now }: Circumstances): answer is Answer =>
  answer !== undefined && answer.up === undefined && answer.at > now;

/** Moments are put right before they are compared. */
const ANSWERS: readonly Row[] = [
  {
    name: 'answer from the future',
    why: 'another process had it by a clock that was ahead: it came before this one began, and its pause outlives no more processes than others (first: all that follows compares moments)',
    apply: (memory, c) => {
      const answers = Object.entries(memory.answers);
      if (!answers.some(([, one]) => isAhead(one, c)) || !mayBeRight(memory, c.terms, c.now, c.age)) return undefined;
      const right = answers.map(([question, one]) => [question, isAhead(one, c) ? { ...one, at: c.now - c.age } : one]);
      return { ...memory, answers: Object.fromEntries(right) };
    },
  },
];

/** Facts that follow from facts. The first row that applies, again until none does. */
export const ROWS: readonly Row[] = [...ANSWERS, ...REQUESTS, ...LEAVES, ...KEYS];

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
