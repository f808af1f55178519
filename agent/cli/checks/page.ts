import { adviceOn, nextStep } from '../kit/command.ts';
import { type Colour, type Output, paint, rowsOf, type Screen, wrap } from '../kit/screen.ts';
import { isUnseen } from './check.ts';
import type { Result } from './examine.ts';
import { CHECKS } from './list.ts';
import { skippedIn, unseenIn } from './skips.ts';

const COLOURS: Record<Result['outcome'], Colour> = { ok: 'green', warning: 'yellow', skipped: 'dim', failed: 'red' };
const OUTCOME_WIDTH = 'warning'.length + 2;
const ID_WIDTH = Math.max(...CHECKS.map(({ id }) => id.length)) + 2;
/** Below this, a host name has no room beside the names of the checks. */
const NARROW = 72;
/** A serial console that was never told its size. */
const USUAL_ROWS = 24;

const outcomeOf = (outcome: Result['outcome'], screen: Screen): string =>
  paint(screen, COLOURS[outcome], outcome.padEnd(OUTCOME_WIDTH - 2));

/** `failed   hub-reach      NL-… The name … cannot be resolved.`, and its advice below. */
export function row(result: Result, screen: Screen): string {
  const { outcome, id, code, message } = result;
  const isNarrow = screen.width < NARROW;
  const indent = ' '.repeat(isNarrow ? 2 : OUTCOME_WIDTH + ID_WIDTH);
  const found = code === undefined ? message : `${code} ${message}`;
  // A configuration has a line for each mistake; elsewhere a check has one line, so that grep finds all of it.
  const parts = screen.width === Number.POSITIVE_INFINITY ? [found] : found.split('\n');
  const [first = '', ...rest] = parts.flatMap((part) => wrap(screen, part, { first: indent }));
  const head = `${outcomeOf(outcome, screen)}  ${isNarrow ? id : id.padEnd(ID_WIDTH)}`;
  const top = isNarrow ? [head, first] : [`${head}${first.slice(indent.length)}`];
  return `${[...top, ...rest, ...nextStep(adviceOn(screen, result), screen, indent)].join('\n')}\n`;
}

/** `skipped  hub-tls, dps-tls: hub-reach failed.` */
export function folded(results: readonly Result[], screen: Screen): string {
  const indent = ' '.repeat(OUTCOME_WIDTH);
  const lines = skippedIn(results).flatMap(({ ids, because }) => {
    const isFailed = because.outcome === 'failed';
    const words = `${ids.join(', ')}: ${isFailed ? `${because.id} failed.` : because.message}`;
    const [first = '', ...rest] = wrap(screen, words, { first: indent });
    // Missing rights are told once, at the end.
    const advice = isFailed || isUnseen(because) ? undefined : because.advice;
    const head = `${outcomeOf('skipped', screen)}  ${first.slice(indent.length)}`;
    return [head, ...rest, ...nextStep(advice, screen, indent)];
  });
  return lines.map((line) => `${line}\n`).join('');
}

export type Counts = Readonly<Record<Result['outcome'], number>>;

/**
 * The sum and, on a terminal whose last lines are full with the rows before, all that is red or yellow once more: a serial
 * console cannot scroll back. All of it fits on that last screen, so the order is that of the rows, in which the first red one
 * is the cause of others; where not all fit, the first ones are shown, red before yellow, and the others are named.
 * @param before the lines that were printed before
 */
export function closing(
  results: readonly Result[],
  counts: Counts,
  screen: Screen,
  before: string,
  { isTTY = false, rows, columns }: Output,
): string {
  const { ok, warning, skipped, failed } = counts;
  const unseen = unseenIn(results);
  const rights =
    unseen === 0 ? [] : [`${unseen} ${unseen === 1 ? 'check needs' : 'checks need'} sudo: \`newleaf check\``];
  const sum = `${ok} ok, ${warning} with a warning, ${skipped} skipped, ${failed} failed`;
  const told = (next: string) => `\n${[`${sum}${next}`, ...rights].flatMap((line) => wrap(screen, line)).join('\n')}\n`;
  // The prompt has the last line.
  const fits = (lines: string) => rowsOf(lines.split('\n'), columns || screen.width) <= (rows || USUAL_ROWS);
  const plain = told(failed > 0 ? ': see above what to do' : '');
  const again = ['failed', 'warning'].flatMap((which) => results.filter(({ outcome }) => outcome === which));
  if (!isTTY || again.length === 0 || fits(before + plain)) return plain;
  const withFirst = (count: number) => {
    const shown = again.slice(0, count).map((one) => row(one, screen));
    return `${told('')}\n${shown.join('')}${othersOf(again.slice(count), screen)}`;
  };
  let count = again.length;
  while (count > 1 && !fits(withFirst(count))) count -= 1;
  return withFirst(count);
}

function othersOf(results: readonly Result[], screen: Screen): string {
  if (results.length === 0) return '';
  const ids = results.map(({ id }) => id).join(' ');
  return `${wrap(screen, `… and ${results.length} more: \`newleaf check ${ids}\``).join('\n')}\n`;
}
