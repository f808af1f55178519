import { budgetLeft, decide, type Signal } from './decide.ts';
import { alarmOf, isCredible, isDue, type Terms } from './plan.ts';
import type { Decision, RollEvent, RollState, Step } from './state.ts';
import { step } from './step.ts';
import { isWorthAsking, unanswered } from './unreached.ts';

export interface Advance extends Step {
  /** What the rules said, where the event was a signal. */
  readonly decision?: Decision & { readonly rule: string };
}

/** A planned moment that lies further ahead than this was planned by a clock that has been set back since. */
const FARTHEST_MS = 2 * 3_600_000;

/** One event through rules and machine: signal → decision → step. */
export function advance(state: RollState, event: RollEvent, terms: Terms): Advance {
  const signal = signalOf(state, event, terms);
  if (signal === undefined) return watched(step(state, event), event, terms);
  const decision = decide(signal, { state, terms, now: event.at });
  const charged = charge(state, signal, decision, terms, event.at);
  return watched({ ...step(charged, event, decision), decision }, event, terms);
}

/** Raises the alarm of a renewal that is overdue. Looked at with the clock, as nothing else happens when time passes. */
function watched(advance: Advance, event: RollEvent, terms: Terms): Advance {
  if (event.kind !== 'woken' && event.kind !== 'started') return advance;
  // Nor is it taken back by a clock that cannot be right: each is told once, even if every boot begins in 1970.
  if (!isCredible(advance.state, terms, event.at)) return advance;
  const { alarm: before, ...state } = advance.state;
  const alarm = alarmOf(state, terms, event.at);
  return alarm === before ? advance : { ...advance, state: { ...state, ...(alarm && { alarm }) } };
}

/** Which signal is in an event, if any. */
export function signalOf(state: RollState, event: RollEvent, terms: Terms): Signal | undefined {
  switch (event.kind) {
    case 'asked':
      return { kind: 'asked', request: event.request };
    case 'leaf-delivered':
      return { kind: 'delivered', request: event.request };
    case 'started':
      return event.given === undefined ? planned(state, event.at, terms) : { kind: 'given-key' };
    case 'woken':
      return planned(state, event.at, terms);
    case 'failed': {
      const { effect, failure } = event;
      const silent = unanswered(state, event);
      if (silent !== undefined) {
        return isWorthAsking(state.unreached + 1, silent.leaf.serial) ? { kind: 'unreached' } : undefined;
      }
      if (failure.kind !== 'refused' || !('leaf' in effect)) return undefined;
      if (effect.leaf.thumbprint !== state.current?.thumbprint) return undefined;
      return effect.kind === 'connect' ? { kind: 'rejected' } : { kind: 'dps-refused', failure };
    }
    default:
      return undefined;
  }
}

/** The most urgent of the planned moments that have come. */
function planned(state: RollState, now: number, terms: Terms): Signal | undefined {
  const hasCome = (moment: number | undefined) => moment !== undefined && (moment <= now || moment > now + FARTHEST_MS);
  const { scheduled, next, phase, current } = state;
  if (scheduled !== undefined && (scheduled.startAt <= now || scheduled.startAt > now + 24 * 3_600_000)) {
    return { kind: 'asked', request: scheduled };
  }
  const untried = next === undefined || next.waiting === true;
  if (current === undefined && untried && phase === 'unprovisioned') return { kind: 'provisioning' };
  if (next?.parked !== undefined && next.leaf !== undefined && next.leaf.notAfter <= now) {
    return { kind: 'candidate-expired' };
  }
  if (phase === 'stranded' ? hasCome(state.probe?.askAt) : hasCome(next?.parked?.askAt)) return { kind: 'probe' };
  if (current !== undefined && state.registered !== undefined && state.registered !== terms.registered) {
    return { kind: 'configuration' };
  }
  return isDue(state, terms, now) ? { kind: 'due' } : undefined;
}

function charge(state: RollState, signal: Signal, { action }: Decision, terms: Terms, now: number): RollState {
  const acts = action === 're-register' || action === 'roll';
  const charged = signal.kind === 'rejected' || signal.kind === 'configuration';
  const own = signal.kind === 'asked' || signal.kind === 'delivered';
  const asked = own && signal.request.from === 'method' && state.scheduled !== signal.request;
  if (!acts || !(charged || asked)) return state;
  return { ...state, budget: { left: budgetLeft(state, terms, now) - 1, at: now } };
}
