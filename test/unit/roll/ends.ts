import { exitOfStatus } from '../../../agent/cli/status/wrong.ts';
import { hasLeaf, restOf } from '../../../agent/roll/candidate.ts';
import { knownIds, waitsForPerson } from '../../../agent/roll/look.ts';
import { isDue } from '../../../agent/roll/plan.ts';
import { session } from '../../../agent/roll/state.ts';
import type { Proof } from './lasting.ts';
import { canPause, inPause } from './late.ts';
import { hub } from './machine.ts';
import { type Pair, Pairs, termsOf } from './pair.ts';
import { Played } from './played.ts';
import { statusAt } from './walk-laws.ts';
import { FOREIGN, has, isLive, type World } from './world.ts';

/** Hears of each turn: what happened between two pairs. */
export type Heard = (before: Pair, what: string, after: Pair) => void;

/**
 * Every standing has an end: once far side, token, disk and clock are well, the gateway serves on a leaf that is neither expired
 * nor overdue, and no candidate is left behind. What is in the token stays as it is. Played twice: with all ladders at their
 * beginning, where nobody does anything that can wait; and with each pause at its longest, and a person who does at once what the
 * screen asks for.
 */
export function everyStandingEnds(heard: Heard = () => {}): Proof {
  const known = new Pairs<number>();
  return (pair, broken) => {
    const late = canPause(pair) ? [new Played(inPause(pair), { isLate: true })] : [];
    for (const played of [new Played(pair), ...late]) {
      const left = endOf(played, known, played.isLate ? () => {} : heard);
      if (left !== undefined) return broken(played.isLate ? `${left}, also after a pause` : left, played.pair);
    }
  };
}

/** Plays until all is well, or it is known how long that takes. @returns what is left where it takes too long */
function endOf(played: Played, known: Pairs<number>, heard: Heard): string | undefined {
  const path: { readonly pair: Pair; readonly spentMs: number }[] = [];
  for (;;) {
    const at = { ...played.pair };
    const { spentMs } = played;
    const left = isWell(at) ? 0 : played.isPausing ? undefined : known.get(at);
    if (left !== undefined && spentMs + left <= played.limitMs) {
      for (const one of path) known.set(one.pair, spentMs + left - one.spentMs);
      return undefined;
    }
    if (!played.isPausing) path.push({ pair: at, spentMs });
    if (spentMs > played.limitMs) return whatIsLeft(at);
    heard(at, played.turn(), played.pair);
  }
}

function isWell(pair: Pair): boolean {
  return whatIsLeft(pair) === '';
}

/** What keeps it from being well, as a law that is broken; empty where nothing does. */
function whatIsLeft(pair: Pair): string {
  const { state, world, at } = pair;
  const { phase, current, next, online, request } = state;
  if (current === undefined || online !== session(current, hub)) return 'the gateway serves again';
  if (!isLive(current, at) || isDue(state, termsOf(pair), at))
    return 'it serves on a leaf that is neither expired nor overdue';
  if (phase !== 'serving') return 'everything comes to rest';
  // A refusal that is over does not end a session: what counts is what DPS trusts.
  // A session that outlives its key is served out: nothing can be registered with it, and its end is another pair.
  if (has(world, current.key) && world.pinned !== undefined && world.pinned.thumbprint !== current.thumbprint)
    return 'DPS trusts the current leaf';
  if (request !== undefined) return 'no request is left in flight';
  if (hasLeaf(next) || restOf(next) !== undefined) return 'no candidate is left behind';
  if (!isTidy(world, pair)) return 'no key is left behind in the token';
  // Not over: a session outlives its key, a key was not destroyed, a CSR waits for a person.
  const isWhole = has(world, current.key) && state.retire.length === 0;
  const isOver = isWhole && !waitsForPerson(next, termsOf(pair));
  if (isOver && exitOfStatus(statusAt(pair)) + statusAt(pair).wrong.length > 0) return 'nothing is told that is over';
  return '';
}

function isTidy({ token, drawer }: World, { state }: Pair): boolean {
  const known = [...knownIds(state), FOREIGN];
  return drawer !== undefined || [token.a, token.b].every((id) => id === undefined || known.includes(id));
}
