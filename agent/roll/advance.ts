import { failure } from '../failure/failure.ts';
import { LARGEST_PAUSE_MS } from './backoff.ts';
import { budgetLeft, isCharged } from './budget.ts';
import { hasLeaf, restOf } from './candidate.ts';
import { decide } from './decide.ts';
import {
  canGoBack,
  hasSpareKey,
  isBarred,
  isKeyLost,
  isOutranked,
  isWorthAsking,
  lacksKey,
  unanswered,
  WAITING,
} from './look.ts';
import { finish, without } from './moves.ts';
import { alarmOf, isCredible, isDue, lastResortAt, type Terms } from './plan.ts';
import { heed } from './poison.ts';
import type { Signal } from './signal.ts';
import type { Decision, RollEvent, RollState, Step } from './state.ts';
import { step } from './step.ts';

interface Followed extends Step {
  /** The decision of the rules, where the event was a signal. */
  readonly decision?: Decision & { readonly rule: string };
}

export interface Advance extends Followed {
  /** The event, where it was replaced: a module that loses its state again for the same effect counts as a token that fails. */
  readonly event?: RollEvent;
  /** The module has lost its state: only a new process heals it. */
  readonly restart?: true;
}

/** A planned moment that lies further ahead than the longest pause was planned by a clock that has been set back since. */
const FARTHEST_MS = 1.25 * LARGEST_PAUSE_MS;

/** One event through rules and machine: signal → decision → step. */
export function advance(before: RollState, happened: RollEvent, terms: Terms): Advance {
  const { state, event, restart } = heed(corrected(before, happened), happened, terms);
  return { ...followed(state, event, terms), ...(event !== happened && { event }), ...(restart && { restart }) };
}

/**
 * A clock that runs is set back by NTP, or by a person, who know the time better: that a server was seen at a later moment says
 * only that the clock was ahead then. One without a battery is wrong from the start on, and is not set back.
 */
function corrected(state: RollState, event: RollEvent): RollState {
  const isLess = event.kind === 'woken' && event.isSetBack === true && event.at < (state.lastSeen ?? 0);
  return isLess ? { ...state, lastSeen: event.at } : state;
}

function followed(state: RollState, event: RollEvent, terms: Terms): Followed {
  const heard = listen(state, event, terms);
  if (heard === undefined) return watched(step(state, event), event, terms);
  const { signal, decision } = heard;
  const charged = charge(state, signal, decision, terms, event.at);
  const kept = decision.rule === 'person' ? unpromise(charged, signal, event) : charged;
  return watched({ ...step(kept, event, decision), decision }, event, terms);
}

interface Heard {
  readonly signal: Signal;
  readonly decision: Decision & { readonly rule: string };
}

/** The first signal that calls for work: one that must wait does not hold up the others. */
function listen(state: RollState, event: RollEvent, terms: Terms): Heard | undefined {
  let first: Heard | undefined;
  for (const signal of signalsOf(state, event, terms)) {
    const decision = decide(signal, { state, terms, now: event.at });
    if (decision.action !== 'ignore') return { signal, decision };
    first ??= { signal, decision };
  }
  return first;
}

/** Drops a roll that was planned for later, before the issuer was changed for one that needs a person: it will never begin. */
function unpromise(state: RollState, signal: Signal, event: RollEvent): RollState {
  const { scheduled, request: inFlight } = state;
  if (scheduled === undefined || signal.kind !== 'asked' || signal.request !== scheduled) return state;
  const { startAt: _, ...request } = scheduled;
  const ended = finish({ ...without(state, 'scheduled'), request }, event, 'person', failure('NL-ISSUER-PERSON'));
  return inFlight === undefined ? ended : { ...ended, request: inFlight };
}

/** Raises the alarm of a renewal that is overdue. Checked at each look at the clock, because time passes without events. */
function watched(advance: Followed, event: RollEvent, terms: Terms): Followed {
  if (event.kind !== 'woken' && event.kind !== 'started') return advance;
  // Nor does a wrong clock end an alarm: each is told once, even if every boot begins in 1970.
  if (!isCredible(advance.state, terms, event.at)) return advance;
  const { alarm: before, ...state } = advance.state;
  const alarm = alarmOf(state, terms, event.at);
  return alarm === before ? advance : { ...advance, state: { ...state, ...(alarm && { alarm }) } };
}

/** The signals in an event, the most urgent first. */
export function signalsOf(state: RollState, event: RollEvent, terms: Terms): readonly Signal[] {
  switch (event.kind) {
    case 'asked': {
      const discard = event.discard && hasLeaf(state.next);
      return [{ kind: 'asked', request: event.request, later: event.delayMs > 0, discard }];
    }
    case 'csr-asked':
      return event.newKey && event.from === 'method' && hasSpareKey(state) ? [{ kind: 'new-key' }] : [];
    case 'leaf-delivered':
      return [{ kind: 'delivered', request: event.request }];
    case 'started':
      return event.given === undefined ? planned(state, event, terms) : [{ kind: 'given-key' }];
    case 'woken':
      return planned(state, event, terms);
    case 'failed': {
      const { effect, failure } = event;
      const silent = unanswered(state, event);
      if (silent !== undefined) {
        const isUseful = silent.leaf !== state.current || canGoBack(state, event);
        return isUseful && isWorthAsking(state.unreached + 1, silent.leaf.serial) ? [{ kind: 'unreached' }] : [];
      }
      const isJudged = terms.trust === 'ca' && effect.kind === 'connect' && failure.kind === 'refused';
      const tried = state.next?.is === 'assigned' ? state.next.leaf : undefined;
      if (isJudged && effect.leaf.thumbprint === tried?.thumbprint) return [{ kind: 'candidate-rejected' }];
      if (!('leaf' in effect) || effect.leaf.thumbprint !== state.current?.thumbprint) return [];
      if (failure.code === 'NL-TOKEN-KEY') return isKeyLost(state, event) ? [{ kind: 'key-lost' }] : [];
      if (failure.kind !== 'refused') return [];
      return [effect.kind === 'connect' ? { kind: 'rejected' } : { kind: 'dps-refused', failure }];
    }
    default:
      return [];
  }
}

function planned(state: RollState, event: RollEvent, terms: Terms): readonly Signal[] {
  const { kind, at: now } = event;
  const hasCome = (moment: number | undefined) => moment !== undefined && (moment <= now || moment > now + FARTHEST_MS);
  const { scheduled, next, phase, current } = state;
  const signals: Signal[] = [];
  if (scheduled !== undefined && (scheduled.startAt <= now || scheduled.startAt > now + 24 * 3_600_000)) {
    signals.push({ kind: 'asked', request: scheduled });
  }
  const untried = next === undefined || (!hasLeaf(next) && next.for !== 'roll');
  const isUntried = untried || isOutranked(state, terms);
  if (current === undefined && isUntried && phase === 'unprovisioned') signals.push({ kind: 'provisioning' });
  if (hasLeaf(next) && next.leaf.notAfter <= now) signals.push({ kind: 'candidate-expired' });
  if (isLastResort(state, terms, now)) signals.push({ kind: 'last-resort' });
  const due: readonly Signal[] = isDue(state, terms, now) ? [{ kind: 'due' }] : [];
  // DPS refuses a leaf that has expired, so a probe would be about nothing.
  if (!canGoBack(state, { at: now })) signals.push(...due);
  const waits = isBarred(state) && WAITING.has(phase);
  const restsAt = hasLeaf(next) ? undefined : restOf(next)?.askAt;
  // Under a CA only another leaf can help, and not DPS.
  const isOfIssuer = terms.trust === 'ca' && restsAt !== undefined;
  const isOfCurrent = (phase === 'stranded' || waits) && !isOfIssuer;
  const askAt = isOfCurrent ? state.probe?.askAt : restOf(next)?.askAt;
  const isAnew = event.kind === 'started' && event.isIssuerChanged === true;
  if (hasCome(askAt) || isAnew) signals.push({ kind: 'probe' });
  if (current !== undefined && state.registered !== undefined && state.registered !== terms.registered) {
    signals.push({ kind: 'configuration', isNew: kind === 'started' });
  }
  return [...signals, ...due];
}

/** The next key cannot be made, and half of the time is gone in which the current leaf should have been renewed. */
function isLastResort(state: RollState, terms: Terms, now: number): boolean {
  const { current, next, workTrouble } = state;
  if (!terms.automatic || current === undefined || next?.is !== 'key-wanted' || lacksKey(state)) return false;
  if (now < lastResortAt(current, terms.renewAt)) return false;
  const { rest, isSecond = false, isUnsigned = false } = next;
  // Both places have just been found taken: to look again an hour later is of no use.
  if (rest?.failure.code === 'NL-TOKEN-OCCUPIED' && !isUnsigned) return true;
  if (rest !== undefined) return rest.failure.kind === 'broken' && rest.askAt <= now;
  return workTrouble?.failure.kind === 'broken' && !isSecond;
}

function charge(state: RollState, signal: Signal, { action }: Decision, terms: Terms, now: number): RollState {
  const acts = action === 're-register' || action === 'roll' || action === 'drop';
  // A request that was planned for later was charged when it was accepted.
  const wasCharged = signal.kind === 'asked' && state.scheduled === signal.request;
  if (!acts || !isCharged(signal) || wasCharged) return state;
  return { ...state, budget: { left: budgetLeft(state, terms, now) - 1, at: now } };
}
