import type { Sample } from './rounds.ts';

/** One figure, and what it is to be compared with. */
export interface Reading {
  readonly name: string;
  readonly value: number;
  readonly unit: 'MiB' | 'KB' | 'ms' | 'ms/h' | '1/s' | '';
  /** What the same costs without newleaf, measured in the same run. */
  readonly floor?: number;
  /** The least and the most of its runs; the value is their median. */
  readonly spread?: readonly [least: number, most: number];
  /** What the figure is made of. */
  readonly note?: string;
}

/** @param floor what the same costs without newleaf */
export const measured = (
  name: string,
  unit: Reading['unit'],
  { median: value, least, most }: Sample,
  floor?: Sample,
): Reading => ({ name, value, unit, spread: [least, most], ...(floor !== undefined && { floor: floor.median }) });

/** The most that a figure may be: in its unit, or as a multiple of its floor; where both are given, one is enough. */
export interface Budget {
  readonly most?: number;
  readonly times?: number;
}

/** What is left of the budget; below 0 the figure is too large. */
export function room({ value, floor = Number.NaN }: Reading, budget: Budget): number {
  const { most = Number.NEGATIVE_INFINITY, times = Number.NaN } = budget;
  const byFloor = times * floor;
  return Math.max(most, Number.isNaN(byFloor) ? Number.NEGATIVE_INFINITY : byFloor) - value;
}

/** The figure as a line: `idle PSS: 50.1 MiB (budget 54, floor 37.4, ratio 1.34)`. */
export function line({ name, value, unit, floor, spread, note }: Reading, budget?: Budget): string {
  const compared = [
    spread?.map(short).join(' to '),
    budget?.most !== undefined && `budget ${budget.most}`,
    budget?.times !== undefined && `budget ${budget.times}x`,
    floor !== undefined && `floor ${short(floor)}, ratio ${(value / floor).toFixed(2)}`,
  ].filter(Boolean);
  const brackets = compared.length === 0 ? '' : ` (${compared.join(', ')})`;
  return `${name}: ${short(value)} ${unit}`.trimEnd() + brackets + (note === undefined ? '' : `; ${note}`);
}

export const short = (value: number): string =>
  Number.isInteger(value) ? String(value) : value.toFixed(value < 1 ? 2 : 1);

/** The least of several: what else the machine does only ever adds to a figure. */
export const least = (values: readonly number[]): number => Math.min(...values);
