import { ASK_ROWS } from '../../agent/roll/core/plan.ts';
import { ROWS } from '../../agent/roll/core/settle.ts';

const tableOf = (rows: readonly { readonly name: string; readonly why: string }[]): string =>
  [
    '| | row | |',
    '|---|---|---|',
    ...rows.map(({ name, why }, index) => `| ${index + 1} | **${name}** | ${why} |`),
  ].join('\n');

/** The rows by which facts follow from facts, in their order. */
export const settlingTable = (): string => tableOf(ROWS);

/** The rows that ask the outside, in their order. */
export const askingTable = (): string => tableOf(ASK_ROWS);
