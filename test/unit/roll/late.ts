import { GRACE_MS, probeMs, turnMs } from '../../../agent/roll/backoff.ts';
import { type Candidate, hasLeaf, restOf } from '../../../agent/roll/candidate.ts';
import { canGoBack, remaining } from '../../../agent/roll/look.ts';
import type { Pair } from './pair.ts';
import { has } from './world.ts';

// A pair at its worst: what can be in a pause has just begun the longest one.

export const MINUTE = 60_000;
/** The design: from each pair of state and world, so long after everything is well. */
export const LIMIT_MS = 75 * MINUTE;
/** The work itself, after the longest pause; and the first rung of what is then found out: a key that is lost is looked for twice. */
const WORK_MS = 3 * MINUTE + probeMs(1, 1);

/** A hub that trusts a CA refuses a leaf of another one for as long as its grace. */
export const lateLimitMs = ({ trust }: Pair): number => LIMIT_MS + WORK_MS + (trust === 'ca' ? GRACE_MS : 0);

/** More than any ladder has. */
export const RUNGS = 40;
/** An hour with its jitter: no pause of newleaf's own is longer. */
export const LONGEST_MS = 75 * MINUTE;

/**
 * Whether anything can be in a pause. Of a key that is lost meanwhile nothing is known before its end, and the hour of a stranded
 * gateway may follow: known, and open.
 */
export function canPause({ state, world }: Pair): boolean {
  const { current, next, probe, request, workTrouble, sessionTrouble } = state;
  if (current !== undefined && !has(world, current.key)) return false;
  return [restOf(next), probe, request, workTrouble, sessionTrouble].some((one) => one !== undefined);
}

/** The same pair where the moments that were planned are as far away as they can be, and the ladders of the past are used up. */
export function inPause(pair: Pair): Pair {
  const { state, at } = pair;
  const { next, probe, request, outcomes } = state;
  const left = remaining(state, at);
  const turn = turnMs(1);
  const byTurns = hasLeaf(next) && canGoBack(state, { at });
  const later = (askAt: number, pause: number) => Math.max(askAt, at + pause);
  const rest = restOf(next);
  const restMs = Math.min(probeMs(HOURLY, 1, left), rest?.failure.kind === 'transient' ? turn : LONGEST_MS);
  const failed = { id: 'f', action: 'roll', reason: 'due', from: 'newleaf', outcome: 'kept' } as const;
  const endedAt = request === undefined ? at : at - LONG_MS;
  return {
    ...pair,
    state: {
      ...state,
      ...(next && rest && { next: { ...next, rest: { ...rest, askAt: later(rest.askAt, restMs) } } as Candidate }),
      ...(probe && {
        probe: { ...probe, askAt: later(probe.askAt, Math.min(probeMs(HOURLY, 1), byTurns ? turn : LONGEST_MS)) },
      }),
      ...(request?.from === 'newleaf' && { request: { ...request, at: endedAt } }),
      outcomes: [...outcomes, ...Array.from({ length: HOURLY }, () => ({ ...failed, at: endedAt, endedAt }))],
    },
  };
}

/** The first rung of an hour. */
const HOURLY = 3;
/** An attempt may take so long: its way back waits for DPS. */
const LONG_MS = 150 * MINUTE;
