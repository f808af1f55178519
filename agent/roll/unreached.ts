import { drawOf } from './plan.ts';
import { begin, type Of, toRegisterNext } from './settle.ts';
import type { Decision, RollEffect, RollState } from './state.ts';

/** The ladder of the connection comes to a minute with its sixth rung: 20 attempts are a quarter of an hour. */
const PATIENCE = 20;
/** A fleet that lost its hub in one moment asks within another quarter of an hour, not within a minute. */
const SPREAD = 15;
/** Half a day of attempts. */
const AGAIN = 720;

/**
 * Whether DPS is to be asked after so many attempts in a row that no hub answered: it may have another hub for us. Counted
 * instead of timed, as the clock of a gateway without a network is the least to be relied on.
 * @param serial of the leaf, whose digits spread the moment over a fleet
 */
export function isWorthAsking(unreached: number, serial: string): boolean {
  const first = PATIENCE + Math.floor(SPREAD * drawOf(serial));
  return unreached >= first && (unreached - first) % AGAIN === 0;
}

type Connect = Extract<RollEffect, { kind: 'connect' }>;

/** A connection that the phase depends on got no answer. Returns its effect, undefined where this is something else. */
export function unanswered(state: RollState, { effect, failure }: Of<'failed'>): Connect | undefined {
  if (effect.kind !== 'connect' || failure.kind !== 'transient') return undefined;
  const leaf = state.phase === 'connecting-next' ? state.next?.leaf : state.current;
  return leaf?.thumbprint === effect.leaf.thumbprint ? effect : undefined;
}

/** Counts an attempt that got no answer, and asks DPS where the rules say so. The attempts at the old hub go on meanwhile. */
export function askAnew(before: RollState, event: Of<'failed'>, decision?: Decision): RollState {
  const state = { ...before, unreached: before.unreached + 1 };
  const { next, phase } = state;
  if (decision?.action !== 're-register') return state;
  if (phase !== 'connecting-next' || next?.leaf === undefined) return begin(state, event, decision);
  // DPS trusts the candidate by now: so it is the candidate that asks for another hub.
  const { assignment: _, ...unassigned } = next;
  return toRegisterNext(state, unassigned, event, decision.reason);
}
