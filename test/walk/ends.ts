import { exitOfStatus } from '../../agent/cli/status/wrong.ts';
import { session } from '../../agent/roll/state.ts';
import { isDue } from '../../agent/roll/terms.ts';
import { canPause, inPause } from './late.ts';
import { knownIds } from './laws.ts';
import { nameOf } from './name.ts';
import { MINUTE, type Pair } from './pair.ts';
import { LIMIT_MS, Played } from './played.ts';
import { statusOf } from './screen.ts';
import { assignedBy, FOREIGN, has, isLive } from './world.ts';

/** Hears of a law that does not hold, and of the pair in which it was seen. */
export type Broken = (law: string, end: Pair) => void;
/** What must come of a pair. */
export type Proof = (pair: Pair, broken: Broken) => void;
/** Hears of each turn: what happened between two pairs. */
export type Heard = (before: Pair, what: string, after: Pair) => void;

const BUCKET_MS = 5 * MINUTE;

/** With the pauses that are left: how long a pair takes depends on them. */
export function longName(pair: Pair): string {
  const { wanted, session: open } = pair.plan;
  const waits = [...wanted, ...(open ? [open] : [])].map(({ wait }) => Math.max(0, Math.ceil(wait / BUCKET_MS)));
  return `${nameOf(pair)} ${waits.join(',')}`;
}

/** The work itself, after the longest pause, and one rung of the issuer for a key that has to be made again, in milliseconds. */
const WORK_MS = 27 * MINUTE;

/** While the current leaf serves, a key of the candidate that seems lost is looked at once more. */
const SECOND_LOOK_MS = 6 * MINUTE;
const SERVES: readonly [string, string] = [
  'the gateway serves again',
  'it serves on a leaf that is neither expired nor overdue',
];

/**
 * Every standing has an end: once far side, token, disk and clock are well, the gateway serves within 75 minutes on a leaf that is
 * neither expired nor overdue, and no candidate is left behind. Played twice: as it is, and with each pause at its longest.
 */
export function everyStandingEnds(heard: Heard = () => {}): Proof {
  const known = new Map<string, number>();
  return (pair, broken) => {
    const late = canPause(pair) ? inPause(pair) : undefined;
    for (const played of [new Played(pair), ...(late ? [new Played(late, LIMIT_MS + WORK_MS)] : [])]) {
      const left = endOf(played, known, heard);
      if (left !== undefined) return broken(`${left}${played.pair === pair ? '' : ''}`, played.pair);
    }
  };
}

/** Plays until all is well, or it is known how long that takes. @returns the law that is broken where it takes too long */
function endOf(played: Played, known: Map<string, number>, heard: Heard): string | undefined {
  const path: { readonly name: string; readonly spentMs: number }[] = [];
  for (;;) {
    const before = played.pair;
    const { spentMs } = played;
    const name = longName(before);
    const rest = whatIsLeft(before);
    const left = rest === undefined ? 0 : known.get(name);
    if (left !== undefined && spentMs + left <= played.limitMs) {
      for (const one of path) known.set(one.name, spentMs + left - one.spentMs);
      return undefined;
    }
    path.push({ name, spentMs });
    const overMs = spentMs - played.limitMs;
    if (overMs > (rest === undefined || SERVES.includes(rest) ? 0 : SECOND_LOOK_MS)) return rest;
    played.turn();
    heard(before, played.what, played.pair);
  }
}

/** What keeps a pair from being well, as a law that is broken. */
export function whatIsLeft(pair: Pair): string | undefined {
  const { state, memory, world, at, terms } = pair;
  const { current, online } = memory;
  if (current === undefined || online !== session(current, assignedBy(world))) return SERVES[0];
  if (!isLive(current, at) || isDue(state, terms, at)) return SERVES[1];
  if (state.phase !== 'serving') return 'everything comes to rest';
  // A session that outlives its key is served out: nothing can be registered with it, and its end is another pair.
  if (has(world, current.key) && world.pinned !== undefined && world.pinned.thumbprint !== current.thumbprint)
    return 'DPS trusts the current leaf';
  if (memory.ask !== undefined) return 'no request is left in flight';
  if (state.next?.leaf !== undefined || state.next?.rest !== undefined) return 'no candidate is left behind';
  if (!isTidy(pair)) return 'no key is left behind in the token';
  if (!isOver(pair)) return undefined;
  const { wrong } = statusOf(pair);
  return wrong.length + exitOfStatus(statusOf(pair)) > 0 ? 'nothing is told that is over' : undefined;
}

function isTidy({ world: { token, drawer }, memory }: Pair): boolean {
  const known = [...knownIds(memory), FOREIGN];
  return drawer !== undefined || [token.a, token.b].every((id) => id === undefined || known.includes(id));
}

/** Not over: a session outlives its key, a key was not destroyed, a CSR waits for a person or for its key. */
function isOver({ world, memory, terms }: Pair): boolean {
  const { current, old, next } = memory;
  const isWhole = current !== undefined && has(world, current.key) && old.length === 0;
  return isWhole && (next === undefined || (next.isMade === true && terms.automatic));
}
