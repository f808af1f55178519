import { DAY, HOUR, MINUTE } from '../search/gateway.ts';
import type { Origin } from '../search/origin.ts';

/** Facts, and what is asked next: a promise of the machine that is played through the real daemon in virtual time. */
export interface Row {
  /** The promise, in a sentence. */
  readonly title: string;
  /** How the gateway begins (`originOf`): by default it serves on a leaf of a group that is not due for long. */
  readonly begins: string;
  /** One after the other: faults, deeds, and how long is waited (`step.ts`). */
  readonly happens: readonly string[];
  /** What is asked of the outside from then on, in its order (`asks.ts`). */
  readonly asks: string;
  /** Calls that have no place in this order, and are left out. */
  readonly beside: readonly string[];
  /** What `status` says in the end (`says.ts`). */
  readonly says: readonly string[];
}

/** A roll without a pause. */
export const ROLL = 'make b 0-1, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1';

const listOf = (text = ''): readonly string[] => text.split(', ').filter((word) => word !== '');

/** How a row goes on after its promise. */
const REST = /^(?:\[(.+?)\] )?(.+?) → ?(.*?)(?: beside (.+?))?(?: \| (.+))?$/;

/**
 * Rows, each the promise, and indented below it, in one line or two:
 *   [how it begins] what happens · and then
 *   → what is asked beside what is left out | what is said
 */
export function rowsOf(text: string): readonly Row[] {
  const rows = text.trim().split(/\n(?! )/);
  return rows.map((row) => {
    const [title = '', ...rest] = row.split(/\n +/);
    const [, begins = '', happens = '', asks, beside, says] = REST.exec(rest.join(' ')) ?? [];
    if (asks === undefined) throw new Error(`"${title}" is no row`);
    const steps = happens === 'nothing happens' ? [] : happens.split(' · ');
    return { title, begins, happens: steps, asks, beside: listOf(beside), says: listOf(says) };
  });
}

const SERVING: Origin = {
  seed: 1,
  enrollment: 'group',
  begins: 'serving',
  leftMs: 80 * DAY,
  lifetimeMs: 90 * DAY,
  automatic: true,
};

const WORDS: Readonly<Record<string, Partial<Origin>>> = {
  new: { begins: 'new' },
  given: { begins: 'given' },
  TPM: { begins: 'endorsed', automatic: false },
  individual: { enrollment: 'individual' },
  'by a person': { automatic: false },
  'its key is kept': { keepKey: true },
  Azure: { onboardingLeftMs: 1_000 * DAY },
  due: { leftMs: 20 * DAY },
  'half-way to its end': { leftMs: 12 * DAY },
};

const UNITS: Readonly<Record<string, number>> = { s: 1_000, min: MINUTE, h: HOUR, d: DAY };

/** A time in milliseconds, undefined where it is none: `90 s`, `5 min`, `2 h`, `10 d`. */
export function msOf(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d+) (s|min|h|d)$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (UNITS[unit] ?? Number.NaN);
}

/** Beside the words: `left 8 h` of the leaf that serves, `of 3 h` for each leaf. */
export function originOf(begins: string): Origin {
  const parts = listOf(begins).map((word): Partial<Origin> => {
    const [, name, time = ''] = /^(left|of) (.+)$/.exec(word) ?? [];
    const ms = msOf(time);
    const part = ms === undefined ? WORDS[word] : name === 'left' ? { leftMs: ms } : { lifetimeMs: ms };
    if (part === undefined) throw new Error(`"${word}" is no beginning`);
    return part;
  });
  return Object.assign({}, SERVING, ...parts);
}
