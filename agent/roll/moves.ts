import { type Failure, failure } from '../failure/failure.ts';
import { probeMs } from './backoff.ts';
import type { KeyRef } from './leaf.ts';
import {
  freeSlot,
  getsNoRegistration,
  isBlocked,
  isStuck,
  keepsKey,
  keyOf,
  mustRetire,
  RETIRE_TRIES,
  remaining,
} from './look.ts';
import type { Action, Decision, Next, Outcome, Phase, Request, RollEvent, RollState } from './state.ts';

// All changes of a state. The rules import none of them: they only ask (look.ts).

/** With `retry` the same effect is to be tried again later. */
export type Moved = RollState | { readonly state: RollState; readonly retry: Failure };

const OUTCOMES_KEPT = 10;
const TRAIL_KEPT = 30;

/** Without these fields: with exactOptionalPropertyTypes absent and undefined are different. */
export function without<K extends keyof RollState>(state: RollState, ...fields: K[]): Omit<RollState, K> {
  const rest = { ...state };
  for (const field of fields) delete rest[field];
  return rest;
}

/** Moves to a phase and writes the trail. */
export function move(state: RollState, to: Phase, event: RollEvent, why: string, failure?: Failure): RollState {
  if (state.phase === to) return state;
  const transition = { at: event.at, from: state.phase, to, why, ...(failure && { code: failure.code }) };
  return { ...state, phase: to, trail: [transition, ...state.trail].slice(0, TRAIL_KEPT) };
}

/** Ends the request in flight, if there is one. */
export function finish(state: RollState, event: RollEvent, outcome: Outcome['outcome'], failure?: Failure): RollState {
  if (state.request === undefined) return state;
  const ended: Outcome = { ...state.request, outcome, ...(failure && { failure }), endedAt: event.at };
  return { ...without(state, 'request'), outcomes: [ended, ...state.outcomes].slice(0, OUTCOMES_KEPT) };
}

/** Plans to destroy the key of a candidate, unless the current leaf has it. */
export function retireKey(state: RollState, key: KeyRef | undefined): RollState {
  if (key === undefined || key.slot === 'given' || keepsKey(state, key.id)) return state;
  return { ...state, retire: { ...key, tries: 0 } };
}

/** Tries once more to destroy it. */
function unblock(state: RollState, event: RollEvent, why: string): RollState {
  const { retire } = state;
  if (retire === undefined) return state;
  const tries = Math.min(retire.tries, RETIRE_TRIES - 1);
  return move({ ...state, retire: { ...retire, tries } }, 'retiring-key', event, why);
}

/** The token has just written: what it refused before is over. */
export function tokenWorks(state: RollState): RollState {
  return state.trouble?.code.startsWith('NL-TOKEN-') ? without(state, 'trouble') : state;
}

/** Keeps a refused candidate, and plans when to ask for it again. */
export function park(state: RollState, next: Next, event: RollEvent, failure: Failure): RollState {
  const { refusals = 0, ...kept } = next;
  const times = (next.parked?.times ?? refusals) + 1;
  const askAt = event.at + probeMs(times, event.draw, remaining(state, event.at));
  return { ...state, next: { ...kept, parked: { failure, times, askAt } }, trouble: failure };
}

/** When DPS is asked again for a current leaf that it has refused. @param least the first rung of the ladder to use */
export function probeOf({ probe }: RollState, { at, draw }: RollEvent, least: number): NonNullable<RollState['probe']> {
  const times = (probe?.times ?? 0) + 1;
  return { times, askAt: at + probeMs(Math.max(times, least), draw) };
}

/** Gives the candidate up: its key is destroyed, but only once DPS no longer trusts its leaf. */
export function drop(state: RollState, next: Next, event: RollEvent, why: string): RollState {
  const key = keyOf(next);
  if (key === undefined || next.id === undefined) return state;
  // There is no current leaf to go back to: only the candidate's leaf is given up, and its key gets another.
  if (state.current === undefined) return settle(dropLeaf(state, next, key.id), event, why);
  if (next.sent) return move(state, 'abandoning', event, why);
  return makesWay(retireKey(without(state, 'next'), key), event, why);
}

/** An expired candidate is accepted nowhere, so DPS need not hear of it. The clock may be wrong: no key is destroyed for it. */
export function expire(state: RollState, next: Next, event: RollEvent, why: string): RollState {
  if (next.id === undefined) return state;
  // The trouble of the candidate ends with it.
  const calm = state.trouble?.code === next.parked?.failure.code ? without(state, 'trouble') : state;
  return makesWay(dropLeaf(calm, next, next.id), event, why);
}

function dropLeaf(state: RollState, { slot, sent }: Next, id: string): RollState {
  if (keepsKey(state, id)) return without(state, 'next');
  return { ...state, next: { slot, id, sent: sent && state.current === undefined, waitsFor: 'roll' } };
}

/** A candidate is gone: the request goes on without it, and the hourly probe of a stranded gateway keeps its time. */
function makesWay(state: RollState, event: RollEvent, why: string): RollState {
  if (state.request?.action === 'roll') return resumeRoll(state, event, why);
  if (state.request !== undefined) return beginRegister(state, event, why);
  return state.phase === 'stranded' ? state : settle(state, event, why);
}

/**
 * An unwanted candidate is given up at once where the last word of DPS about it was a refusal; else DPS may trust it, and must
 * accept the current leaf first.
 */
export function discard(state: RollState, { assignment: _, ...next }: Next, event: RollEvent): RollState {
  // Neither DPS nor the hub has answered about it yet.
  const silent = { failure: failure('NL-DPS-TIMEOUT'), times: next.refusals ?? 0, askAt: event.at };
  const gone: Next = { parked: silent, ...next, unwanted: true };
  const unsent = next.denied === true && state.current !== undefined ? { ...gone, sent: false } : gone;
  return drop({ ...state, next: unsent }, unsent, event, 'discarded');
}

/**
 * DPS had refused the current leaf, and one roll was to cure it. Now DPS and hub accept the current leaf again (the operator
 * has allowed it once more), so no operator will enroll the candidate of that roll: it would stay parked for good.
 */
export function dropCure(state: RollState): RollState {
  const { next, current, rolledFor } = state;
  const cure = rolledFor !== undefined && rolledFor === current?.thumbprint;
  // Sent since: the last word of DPS was about the candidate, not about the current leaf.
  if (!cure || next?.leaf === undefined || next.parked === undefined || next.sent) return state;
  return retireKey(without(state, 'next', 'rolledFor'), keyOf(next));
}

/** A roll that is given up before its leaf was issued leaves its key in the slot, for the next one. */
export function setAside(state: RollState): RollState {
  const { next } = state;
  if (next === undefined || next.leaf !== undefined || next.parked !== undefined) return state;
  return { ...state, next: { ...next, waitsFor: 'roll' } };
}

/** Begins, or goes on with, a roll: the phase follows from what the candidate already has. */
export function resumeRoll(state: RollState, event: RollEvent, why: string): RollState {
  if (mustRetire(state) || isBlocked(state)) return unblock(state, event, why);
  const next: Next = state.next ?? { slot: freeSlot(state), sent: false };
  // The issuer may take days, and DPS may accept the current leaf again before that.
  const probe = state.rejected && state.probe === undefined ? { probe: probeOf(state, event, 1) } : {};
  if (next.leaf !== undefined) return toRegisterNext({ ...state, next }, next, event, why);
  const phase = next.id === undefined ? 'generating-key' : 'requesting-leaf';
  return move({ ...state, ...probe, next: inRoll(next) }, phase, event, why);
}

/** A candidate in work, or one on its ladder, waits neither for a person nor for another roll. */
export function inRoll({ waitsFor: _, ...next }: Next): Next {
  return next;
}

/** Also where DPS trusts it by now, and may have another hub. */
export function toRegisterNext(state: RollState, before: Next, event: RollEvent, why: string): RollState {
  const { denied: _, assignment: _old, ...next } = before;
  // Intent before effect: from here on DPS may trust the candidate, whatever it answers.
  return move({ ...state, next: { ...next, sent: true } }, 'registering-next', event, why);
}

/** Registers with DPS: a candidate that waits for its enrollment first, the current leaf after it. */
export function beginRegister(state: RollState, event: RollEvent, why: string): RollState {
  const { current, next } = state;
  // A stranded gateway asks DPS once an hour, not twice: by turns for the candidate and for the current leaf.
  const turn = state.request?.reason !== 'probe' || state.phase !== 'stranded' || (state.probe?.times ?? 0) % 2 === 1;
  if (next?.leaf !== undefined && next.parked !== undefined && (turn || current === undefined)) {
    return toRegisterNext(state, next, event, why);
  }
  if (current !== undefined) return move(state, 'registering', event, why);
  // Without a leaf there is nothing to register: the first one is requested.
  const request = state.request && { ...state.request, action: 'roll' as const };
  return resumeRoll({ ...state, ...(request && { request }) }, event, why);
}

/** After an effect: the remaining work, in this order, else rest. */
export function settle(state: RollState, event: RollEvent, why: string, failure?: Failure): RollState {
  const { request, next, current, rejected } = state;
  if (rejected && current !== undefined) return move(state, 'registering', event, why, failure);
  if (mustRetire(state)) return move(state, 'retiring-key', event, why, failure);
  if (next?.waitsFor !== undefined && next.id === undefined) {
    return isBlocked(state) ? unblock(state, event, why) : move(state, 'generating-key', event, why, failure);
  }
  if (request?.action === 'roll') return resumeRoll(state, event, why);
  return rest(state, event, why, failure);
}

/** Makes the key of a CSR. A person in front of a stranded gateway does not wait for DPS. */
export function toMakeKey(state: RollState, event: RollEvent, why: string): RollState {
  if (state.phase !== 'stranded') return settle(state, event, why);
  if (mustRetire(state) || isBlocked(state)) return unblock(state, event, why);
  return state.next?.id === undefined ? move(state, 'generating-key', event, why) : state;
}

function rest(state: RollState, event: RollEvent, why: string, failure?: Failure): RollState {
  return move(state, state.current === undefined ? 'unprovisioned' : 'serving', event, why, failure);
}

/** Accepts a request: it is in flight from here on. */
export function accept(state: RollState, request: Request, event: RollEvent): RollState {
  // The first provisioning replaces no leaf, so no interval follows it.
  const rolled = request.action === 'roll' && state.current !== undefined ? { lastRollAt: event.at } : {};
  // A request that is planned for later is kept, whatever comes in between.
  const free = state.scheduled?.id === request.id ? without(state, 'scheduled') : state;
  return { ...free, ...rolled, request };
}

/** A stuck request makes room for another; the next roll gets the candidate of this one. */
export function makeRoom(state: RollState, event: RollEvent): RollState {
  if (!isStuck(state) && !getsNoRegistration(state)) return state;
  return finish(setAside(state), event, state.phase === 'serving' ? 'failed' : 'kept', state.trouble);
}

/** Carries out what the rules decided on a planned moment or a start. */
export function begin(state: RollState, event: RollEvent, decision?: Decision): RollState {
  if (decision === undefined || decision.action === 'ignore' || decision.action === 'strand') return state;
  if (decision.action === 'drop') {
    const giveUp = state.next?.leaf === undefined ? drop : expire;
    return state.next === undefined ? state : giveUp(state, state.next, event, decision.why);
  }
  const { action, reason } = decision;
  const own = { id: `newleaf-${event.at.toString(36)}`, action, reason, from: 'newleaf', at: event.at } as const;
  // A request goes on even if the hub refuses the leaf meanwhile.
  const makesPlace = reason === 'asked' || (state.phase === 'serving' && reason !== 'rejected');
  const free = makesPlace ? makeRoom(state, event) : state;
  const waited = reason === 'asked' ? free.scheduled : undefined;
  const { startAt: _, ...accepted } = { startAt: 0, ...(waited ? { ...waited, action } : (free.request ?? own)) };
  return beginRequest(accept(free, accepted, event), action, event, reason);
}

/** Begins a request in any phase. A roll may have to register the current leaf first. */
export function beginRequest(state: RollState, action: Action, event: RollEvent, why: string): RollState {
  const { phase, next } = state;
  if (phase === 'connecting-next' && next !== undefined) return toRegisterNext(state, next, event, why);
  // A registration under way goes on, for another request.
  if (phase === 'registering-next' || phase === 'abandoning') return state;
  return action === 'roll' ? resumeRoll(state, event, why) : beginRegister(state, event, why);
}
