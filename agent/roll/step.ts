import { asked, csrAsked, delivered } from './asked.ts';
import { begin } from './begin.ts';
import { hasLeaf } from './candidate.ts';
import { connected, issued, keyDestroyed, keyGenerated, registered } from './done.ts';
import { effectFailed } from './failed.ts';
import { pending, retryDestroying } from './keys.ts';
import type { Leaf } from './leaf.ts';
import { canGoBack, freeSlot } from './look.ts';
import { lost } from './lost.ts';
import { phaseOf, type Retired } from './phase.ts';
import { type Decision, effectsOf, type Moved, type Of, type RollEvent, type RollState, type Step } from './state.ts';
import { withTroubles } from './troubles.ts';

const TRAIL_KEPT = 30;

/**
 * The machine. Pure: it has no clock, no random numbers and no disk, and an event that does not fit changes nothing. An event
 * changes facts; the phase follows from them.
 * @param decision the answer of the rules where the event is a signal (`advance.ts`)
 */
export function step(state: RollState, event: RollEvent, decision?: Decision): Step {
  const moved = transition(state, event, decision);
  if (moved === state) return { state, effects: effectsOf(state) };
  const { state: changed, ...said } = 'state' in moved ? moved : { state: moved };
  const after = withTroubles(state, inPhase(changed, event, decision), event, said);
  return { state: after, effects: effectsOf(after), ...('retry' in said && said.retry && { retry: said.retry }) };
}

function transition(state: RollState, event: RollEvent, decision?: Decision): Moved {
  switch (event.kind) {
    case 'started':
      return started(state, event, decision);
    case 'woken':
      return begin(retryDestroying(state, event), event, decision);
    case 'asked':
      return asked(state, event, decision);
    case 'csr-asked':
      return csrAsked(state, event, decision);
    case 'key-generated':
      return keyGenerated(state, event);
    case 'leaf-delivered':
      return decision?.action === 'roll' ? delivered(state, event) : state;
    case 'leaf-issued':
      return issued(state, event);
    case 'registered':
      return registered(state, event);
    case 'connected':
      return connected(state, event);
    case 'key-destroyed':
      return keyDestroyed(state, event);
    case 'failed':
      return effectFailed(state, event, decision);
    case 'lost':
      return lost(state, event);
  }
}

/** A key that the token did not destroy is tried again at each start; one that DPS may trust has its time, while nothing else serves. */
function started(state: RollState, event: Of<'started'>, decision?: Decision): RollState {
  const begun = begin(event.given === undefined ? state : withGiven(state, event.given), event, decision);
  if (hasLeaf(begun.next)) return begun;
  const known = new Set(state.retire.map(({ id }) => id));
  const isKept = ({ id, is }: Retired) => !known.has(id) || (is === 'remembered' && !canGoBack(begun, event));
  return { ...begun, retire: begun.retire.map((one) => (isKept(one) ? one : pending(one))) };
}

/** It is registered, whatever else is under way: no other leaf has an assignment. A CSR that came first gets another place. */
function withGiven(state: RollState, current: Leaf): RollState {
  const { next } = state;
  const found: RollState = { ...state, current, ask: true };
  if (next?.is !== 'key-wanted' || next.slot !== current.key.slot) return found;
  return { ...found, next: { ...next, slot: freeSlot(found) } };
}

/** Moves to the phase that follows, and writes the trail. */
function inPhase(state: RollState, event: RollEvent, decision: Decision | undefined): RollState {
  const phase = phaseOf(state);
  if (phase === state.phase) return state;
  const code = event.kind === 'failed' ? { code: event.failure.code } : {};
  const transition = { at: event.at, from: state.phase, to: phase, why: whyOf(event, decision), ...code };
  return { ...state, phase, trail: [transition, ...state.trail].slice(0, TRAIL_KEPT) };
}

function whyOf(event: RollEvent, decision: Decision | undefined): string {
  if (decision !== undefined && 'reason' in decision) return decision.reason;
  if (event.kind === 'asked' && event.discard) return 'discarded';
  if (decision?.action === 'drop') return decision.why;
  if (event.kind !== 'failed') return event.kind;
  return event.failure.kind === 'refused' ? 'refused' : 'unanswered';
}
