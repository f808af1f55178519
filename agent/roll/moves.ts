import type { Failure } from '../failure/failure.ts';
import { GRACE_MS, probeMs, turnMs } from './backoff.ts';
import {
  type Candidate,
  hasLeaf,
  isHeardOf,
  issuedOf,
  type KeyMade,
  type KeyWanted,
  mayBeTrusted,
  metBy,
  type Parked,
  restOf,
  resumed,
  sent,
  type WithLeaf,
} from './candidate.ts';
import { retireKey, wantKey, withCurrentKey } from './keys.ts';
import { canGoBack, getsNoRegistration, isBarred, isStuck, keepsKey, remaining } from './look.ts';
import type { Action, Outcome, Reason, Request, RollEvent, RollState } from './state.ts';

// All changes of a state. The rules import none of them: they only ask (look.ts).

const OUTCOMES_KEPT = 10;

/** Without these fields: with exactOptionalPropertyTypes absent and undefined are different. */
export function without<K extends keyof RollState>(state: RollState, ...fields: K[]): Omit<RollState, K> {
  const rest = { ...state };
  for (const field of fields) delete rest[field];
  return rest;
}

/** Ends the request in flight, if there is one. */
export function finish(state: RollState, event: RollEvent, outcome: Outcome['outcome'], failure?: Failure): RollState {
  if (state.request === undefined) return state;
  const ended: Outcome = { ...state.request, outcome, ...(failure && { failure }), endedAt: event.at };
  return { ...without(state, 'request'), outcomes: [ended, ...state.outcomes].slice(0, OUTCOMES_KEPT) };
}

/** When DPS is asked again for a leaf that it has refused. @param least the first rung of the ladder to use */
export function probeOf(state: RollState, event: RollEvent, least: number): NonNullable<RollState['probe']> {
  const { at, draw } = event;
  const times = (state.probe?.times ?? 0) + 1;
  const rest = restOf(state.next);
  // Without its key DPS hears nothing, so it need not be spared; without a way back nothing else is asked for.
  const isAlone = hasLeaf(state.next) && !canGoBack(state, event);
  if (rest !== undefined && (isAlone || rest.failure.code === 'NL-TOKEN-KEY')) return { times, askAt: rest.askAt };
  const rungMs = probeMs(Math.max(times, least), draw);
  const byTurns = hasLeaf(state.next) && canGoBack(state, event);
  // A turn is counted from the last answer of DPS. The hub has refused what that said, for as long as it may.
  const spentMs = event.kind === 'failed' && event.effect.kind === 'connect' ? GRACE_MS : 0;
  return { times, askAt: at + (byTurns ? Math.min(rungMs, turnMs(draw) - spentMs) : rungMs) };
}

/** The first rung of an hour (`probeMs`). */
const HOURLY = 3;

/** The roll of this leaf has come to nothing, as the one before it: no operator stands by to enroll it within minutes. */
function followsFailed({ outcomes }: RollState): boolean {
  const [last, before] = outcomes.filter(({ action }) => action === 'roll');
  return [last, before].every((one) => one?.from === 'newleaf' && one.outcome !== 'done');
}

/** New leaves that the hub has refused. */
function refusedInARow({ outcomes }: RollState): number {
  const rolls = outcomes.filter(({ action }) => action === 'roll');
  const end = rolls.findIndex(({ failure }) => failure?.code !== 'NL-HUB-REJECTED');
  return end === -1 ? rolls.length : end;
}

/** The next rung of a candidate's ladder. A key that is not found is looked for by a ladder of its own. */
function rung(state: RollState, next: Candidate, { at, draw }: RollEvent, failure: Failure) {
  const isKeyless = failure.code === 'NL-TOKEN-KEY';
  const isFirst = isKeyless && metBy(next)?.code !== failure.code;
  const isLate = !isKeyless && next.tries === 1 && followsFailed(state);
  // A hub that trusts the CA has refused a new leaf: others would cost a certificate each, however near the end is.
  const isUseless = !hasLeaf(next) && failure.code === 'NL-HUB-REJECTED';
  const tries = isUseless ? 1 + refusedInARow(state) : isFirst ? 1 : isLate ? HOURLY : next.tries + 1;
  const pauseMs = isUseless ? probeMs(tries, draw) : probeMs(tries, draw, remaining(state, at));
  return { tries, rest: { failure, askAt: at + pauseMs } };
}

/** Keeps a refused candidate, and plans when to ask for it again. */
export function park(
  state: RollState,
  next: WithLeaf,
  event: RollEvent,
  failure: Failure,
  trust: 'possible' | 'refused' = 'possible',
): RollState {
  return {
    ...state,
    next: { is: 'parked', ...issuedOf(next), trust, ...rung(state, next, event, failure) },
  };
}

/** The same for one without a leaf. */
export function halt(state: RollState, next: KeyWanted | KeyMade, event: RollEvent, failure: Failure): RollState {
  const { last: _, ...alone } = next;
  return { ...state, next: { ...alone, for: 'roll', ...rung(state, next, event, failure) } };
}

/** Gives the candidate up: its key is destroyed, but only once DPS no longer trusts its leaf. */
export function drop(
  state: RollState,
  next: WithLeaf,
  event: RollEvent,
  because: 'discarded' | 'key-lost',
  failure: Failure,
): RollState {
  // Without a way back only the candidate's leaf is given up, and its key gets another.
  const rest = restOf(next) ?? { failure: metBy(next) ?? failure, askAt: event.at };
  const why = rest.failure.code === 'NL-TOKEN-KEY' ? 'key-lost' : because;
  if (!canGoBack(state, event)) return makesWay(giveUp(state, next, why === 'key-lost'), event);
  if (mayBeTrusted(next))
    return { ...without(state, 'ask', 'stranded'), next: { is: 'unwanted', ...issuedOf(next), rest, because: why } };
  return makesWay(retireKey(without(state, 'next'), next.leaf.key), event);
}

/** Gives up a leaf without a registration of the current one. Its key gets another leaf, if it is there. */
export function giveUp(state: RollState, next: WithLeaf, isLost: boolean): RollState {
  const { slot, id } = next.leaf.key;
  if (!isLost || slot === 'given' || keepsKey(state, next.leaf.key)) return dropLeaf(state, next, true);
  // If it is there after all, it is found by its CKA_ID when a key is made.
  return { ...state, next: { is: 'key-wanted', slot, id, for: 'spare', tries: 0 } };
}

/** An expired candidate is accepted nowhere, so DPS need not hear of it. The clock may be wrong: no key is destroyed for it. */
export function expire(state: RollState, next: WithLeaf, event: RollEvent): RollState {
  return makesWay(dropLeaf(state, next), event);
}

/** Only the leaf is given up: its key gets another. */
function dropLeaf(state: RollState, next: WithLeaf, isAccepted = false): RollState {
  const { key } = next.leaf;
  if (keepsKey(state, key)) return without(state, 'next');
  // DPS may have refused this leaf, and trust an earlier one of the same key.
  const isKeyTrusted = (isAccepted || state.current === undefined) && isHeardOf(next);
  return { ...state, next: { is: 'key-made', key, for: 'spare', tries: 0, ...(isKeyTrusted && { isKeyTrusted }) } };
}

/**
 * What is in the way of a new leaf makes room: a leaf that a person has delivered, whose key gets another from the issuer; one
 * whose key is lost with that of the current leaf, as it is the same.
 */
export function clearedFor(state: RollState, reason: Reason): RollState {
  const { next } = state;
  if (next?.is !== 'parked') return state;
  // A lost key is replaced by the issuer: DPS may never accept what a person has brought.
  const isOutranked = reason === 'key-lost' && next.from !== 'issuer';
  if (reason === 'due' || reason === 'provisioning' || isOutranked) return dropLeaf(state, next, true);
  return reason === 'key-lost' && keepsKey(state, next.leaf.key) ? without(state, 'next') : state;
}

/** A candidate is gone: the request goes on without it, and the hourly probe of a stranded gateway keeps its time. */
export function makesWay(state: RollState, event: RollEvent): RollState {
  if (state.request?.action === 'roll') return resumeRoll(state, event);
  if (state.request !== undefined) return beginRegister(state, event);
  return state.stranded ? state : settle(state, event);
}

/**
 * DPS had refused the current leaf, and one roll was to cure it. Now DPS and hub accept the current leaf again (the operator
 * has allowed it once more), so no operator will enroll the candidate of that roll: it would stay parked for good.
 */
export function dropCure(state: RollState): RollState {
  const { next, current, rolledFor } = state;
  const cure = rolledFor !== undefined && rolledFor === current?.thumbprint;
  // Trusted, or refused, since: the last word of DPS was about the candidate, not about the current leaf.
  if (!cure || next?.is !== 'parked' || next.trust !== 'none') return state;
  return retireKey(without(state, 'next', 'rolledFor'), next.leaf.key);
}

/** A roll that is given up before its leaf was issued leaves its key in the slot, for the next one. */
export function setAside(state: RollState): RollState {
  const { next } = state;
  if (next === undefined || hasLeaf(next) || next.rest !== undefined || next.for !== 'roll') return state;
  // What it has met before is over: nothing is asked for it.
  const { last: _, ...alone } = next;
  return { ...state, next: { ...alone, for: 'spare' } };
}

/** Begins, or goes on with, a roll: its work follows from what the candidate already has. @param sameKey renews with the key of the current leaf */
export function resumeRoll(before: RollState, event: RollEvent, sameKey = false): RollState {
  const { next } = before;
  const state = without(before, 'stranded', 'ask');
  if (hasLeaf(next)) return toRegisterNext(state, next);
  // The issuer may take days, and DPS may accept the current leaf again before that.
  const probe = isBarred(state) && state.probe === undefined ? { probe: probeOf(state, event, 1) } : {};
  return { ...withKey(state, event, sameKey), ...probe };
}

function withKey(state: RollState, event: RollEvent, sameKey: boolean): RollState {
  const { next, current } = state;
  if (sameKey && current !== undefined && !hasLeaf(next) && next?.is !== 'key-made')
    return withCurrentKey(state, next, current, 'roll');
  if (next === undefined || hasLeaf(next)) return wantKey(state, event, 'roll');
  // A CSR for the key of the current leaf, from before leaf.rotate_key was changed.
  const isOfCurrent = next.is === 'key-made' && next.for !== 'roll' && keepsKey(state, next.key);
  if (isOfCurrent && !sameKey) return wantKey(state, event, 'roll');
  return { ...state, next: resumed(next) };
}

/** Also where DPS trusts it by now, and may have another hub. Intent before effect: from here on DPS may trust it. */
export function toRegisterNext(state: RollState, next: WithLeaf): RollState {
  return { ...without(state, 'stranded', 'ask'), next: sent(next) };
}

/** The current leaf is registered next. */
export function askForCurrent(state: RollState): RollState {
  return { ...without(state, 'stranded'), ask: true };
}

/** Registers with DPS: a candidate that waits for its enrollment first, the current leaf after it. */
export function beginRegister(state: RollState, event: RollEvent): RollState {
  const { current, next } = state;
  // A stranded gateway asks DPS once an hour, not twice: by turns for the candidate and for the current leaf.
  const isByTurns = state.request?.reason === 'probe' && state.stranded && canGoBack(state, event);
  const isTurn = (state.probe?.times ?? 0) % 2 === 1 || restOf(next)?.failure.code === 'NL-TOKEN-KEY';
  if (next?.is === 'parked' && !isAboutCurrent(state, next, event) && (isTurn || !isByTurns))
    return toRegisterNext(state, next);
  if (current !== undefined) return askForCurrent(state);
  // Without a leaf there is nothing to register: the first one is requested.
  const request = state.request && { ...state.request, action: 'roll' as const };
  return resumeRoll({ ...state, ...(request && { request }) }, event);
}

/** newleaf's own question is about the current leaf: a candidate that DPS has refused has a ladder of its own. */
function isAboutCurrent(state: RollState, { trust, rest }: Parked, event: RollEvent): boolean {
  const { reason } = state.request ?? {};
  if (reason !== 'unreached' && reason !== 'configuration') return false;
  return trust !== 'possible' && rest.askAt > event.at && canGoBack(state, event);
}

/** Work on a candidate has led to nothing, and the hub has refused the current leaf: DPS is asked for it, or no way is left. */
export function settle(state: RollState, event: RollEvent): RollState {
  if (!isBarred(state)) return state;
  return canGoBack(state, event) ? askForCurrent(state) : { ...state, stranded: true, probe: probeOf(state, event, 3) };
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
  const isServing = state.phase === 'serving';
  const met = isServing ? state.sessionTrouble : state.workTrouble;
  return finish(setAside(state), event, isServing ? 'failed' : 'kept', met?.failure);
}

/** Begins a request in any phase. A roll may have to register the current leaf first. */
export function beginRequest(state: RollState, action: Action, event: RollEvent, sameKey = false): RollState {
  const { next } = state;
  if (next?.is === 'assigned') return toRegisterNext(state, next);
  // A registration under way goes on, for another request.
  if (next?.is === 'sent' || next?.is === 'unwanted') return state;
  return action === 'roll' ? resumeRoll(state, event, sameKey) : beginRegister(state, event);
}
