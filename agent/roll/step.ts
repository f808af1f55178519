import { type Failure, failure } from '../failure/failure.ts';
import { effectFailed, issuerRefused } from './failed.ts';
import { withIntended } from './intended.ts';
import { freeSlot, hasSpareKey, isCured, isStrandedCsr, keyOf, REGISTERING, RETIRE_TRIES } from './look.ts';
import {
  accept,
  begin,
  beginRequest,
  discard,
  dropCure,
  finish,
  type Moved,
  makeRoom,
  move,
  resumeRoll,
  retireKey,
  setAside,
  settle,
  tokenWorks,
  toMakeKey,
  toRegisterNext,
  without,
} from './moves.ts';
import {
  type Decision,
  effectsOf,
  type Next,
  type Of,
  type RollEvent,
  type RollState,
  type Step,
  session,
} from './state.ts';

/** A session that ends within a minute, three times in a row: another client with our identity, or the daily quota. */
const FLAP_MS = 60_000;
const FLAPS = 3;
const FLAP_PAUSE_MS = 5 * 60_000;

/**
 * The machine. Pure: it has no clock, no random numbers and no disk, and an event that does not fit the phase changes nothing.
 * @param decision the answer of the rules where the event is a signal (`advance.ts`)
 */
export function step(state: RollState, event: RollEvent, decision?: Decision): Step {
  const moved = transition(state, event, decision);
  const after = withIntended('retry' in moved ? moved.state : moved, event);
  return { state: after, effects: effectsOf(after), ...('retry' in moved && { retry: moved.retry }) };
}

function transition(state: RollState, event: RollEvent, decision?: Decision): Moved {
  switch (event.kind) {
    case 'started':
      return started(state, event, decision);
    case 'woken':
      return begin(state, event, decision);
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

function keyDestroyed(state: RollState, event: Of<'key-destroyed'>): RollState {
  if (state.phase !== 'retiring-key' || state.retire?.id !== event.id) return state;
  const alone = without(state, 'retire');
  // The trouble was about this key.
  const free = state.retire.tries === 0 ? tokenWorks(alone) : without(alone, 'trouble');
  // The key made room for a roll: that goes on, even if the hub refuses the current leaf.
  if (free.request?.action === 'roll') return resumeRoll(free, event, event.kind);
  return isStrandedCsr(free)
    ? toMakeKey({ ...free, phase: 'stranded' }, event, event.kind)
    : settle(free, event, event.kind);
}

function started(state: RollState, event: Of<'started'>, decision?: Decision): RollState {
  const { retire } = state;
  const found = event.given === undefined ? state : { ...state, current: event.given };
  const begun = begin(found, event, decision);
  if (retire === undefined || begun.next?.leaf !== undefined) return begun;
  const again: RollState = { ...begun, retire: { ...retire, tries: 0 } };
  return begun.phase === 'serving' ? settle(again, event, 'started') : again;
}

function asked(state: RollState, event: Of<'asked'>, decision?: Decision): RollState {
  if (decision?.action !== 're-register' && decision?.action !== 'roll') return state;
  if (event.delayMs > 0) {
    return { ...state, scheduled: { ...event.request, startAt: event.at + Math.round(event.delayMs * event.draw) } };
  }
  const request = { ...event.request, action: decision.action };
  if (event.discard && state.next?.leaf !== undefined) {
    // The work in flight is about the unwanted candidate.
    const ended = finish(setAside(state), event, 'failed', state.trouble);
    return discard(accept(ended, request, event), state.next, event);
  }
  return beginRequest(accept(makeRoom(state, event), request, event), decision.action, event, 'asked');
}

function csrAsked(state: RollState, event: Of<'csr-asked'>, decision?: Decision): RollState {
  const { next } = state;
  if (state.request !== undefined || next?.leaf !== undefined) return state;
  const fresh: Next = { slot: next?.slot ?? freeSlot(state), sent: false, waitsFor: 'delivery' };
  if (next === undefined) return toMakeKey({ ...state, next: fresh }, event, 'csr-asked');
  if (decision?.action === 'ignore') return state;
  const wanted: Next = { ...next, waitsFor: 'delivery' };
  // Its key was lost, or the token has made none before DPS was asked in between: a person does not wait for the ladder.
  if (next.id === undefined && (next.parked !== undefined || state.phase === 'stranded')) {
    return toMakeKey({ ...state, next: wanted }, event, 'csr-asked');
  }
  // A key that is not made yet is new enough.
  if (!event.newKey || !hasSpareKey(state) || next.id === undefined) {
    return next.waitsFor === 'roll' ? { ...state, next: wanted } : state;
  }
  return toMakeKey(retireKey({ ...state, next: fresh }, keyOf(next)), event, 'csr-asked');
}

/** A person delivered a leaf, for the key of the CSR or for the current key. An older candidate makes room. */
function delivered(before: RollState, event: Of<'leaf-delivered'>): RollState {
  const { leaf } = event;
  const state = before.phase === 'serving' ? makeRoom(before, event) : before;
  const { next, current } = state;
  const same = next?.id === leaf.key.id;
  const answer = (outcome: 'done' | 'failed', why?: Failure) =>
    state.request === undefined ? finish({ ...state, request: event.request }, event, outcome, why) : state;
  if (leaf.thumbprint === current?.thumbprint) return answer('done');
  // It was verified a moment ago: its key may have been given up since.
  if (!same && leaf.key.id !== current?.key.id) return answer('failed', failure('NL-LEAF-KEY'));
  const sent = same && next.sent;
  // The key of a candidate that DPS never heard of is useless now.
  const alone = next === undefined || same ? state : makesRoom(state, next);
  // This leaf also ends a roll that waits for its issuer. A delivered leaf does not count as the automatic roll.
  const own = without(alone, 'rolledFor');
  const taken = own.request === undefined ? accept(own, event.request, event) : own;
  return toRegisterNext(taken, { ...leaf.key, leaf, sent }, event, 'delivered');
}

/** The key of a candidate that DPS may trust is given up only when another leaf has been proven: until then it is remembered. */
function makesRoom(state: RollState, next: Next): RollState {
  const retired = retireKey(state, keyOf(next));
  if (!next.sent || retired === state || retired.retire === undefined) return retired;
  return { ...retired, retire: { ...retired.retire, tries: RETIRE_TRIES } };
}

/** Another leaf has been proven. */
function remembered(state: RollState): RollState {
  return state.retire === undefined ? state : { ...state, retire: { ...state.retire, tries: 0 } };
}

function keyGenerated(state: RollState, event: Of<'key-generated'>): RollState {
  if (state.phase !== 'generating-key' || state.next === undefined) return state;
  const { intended: _, ...keyless } = state.next;
  const next = { ...placeFree(keyless), ...event.key };
  const made: RollState = { ...tokenWorks(state), next };
  if (isStrandedCsr(state)) return move(made, 'stranded', event, 'key-generated');
  return next.waitsFor !== undefined
    ? settle(made, event, 'key-generated')
    : move(made, 'requesting-leaf', event, 'key-generated');
}

/** It was parked because the place of its key was not free. The ladder goes on where its leaf is refused. */
function placeFree(next: Next): Next {
  const { parked, ...free } = next;
  return parked?.failure.code === 'NL-TOKEN-OCCUPIED' ? { ...free, refusals: parked.times } : next;
}

function issued(state: RollState, event: Of<'leaf-issued'>): RollState {
  const { next, current, phase } = state;
  const { leaf } = event;
  if (phase !== 'requesting-leaf' || next === undefined) return state;
  // For a kept key, a CA that remembers may issue the old certificate again: there is nothing to roll to.
  if (leaf.thumbprint === current?.thumbprint) return issuerRefused(state, next, event, failure('NL-LEAF-SAME'));
  return toRegisterNext(state, { ...next, leaf }, event, 'leaf-issued');
}

function registered(state: RollState, event: Of<'registered'>): RollState {
  const { current, next, assignment } = { ...state, assignment: event.assignment };
  if (state.phase === 'registering-next' && next?.leaf?.thumbprint === event.thumbprint) {
    const { parked, ...accepted } = next;
    const counted = parked === undefined ? accepted : { ...accepted, refusals: parked.times };
    // A candidate that comes back counts its own attempts, and not those of the current leaf.
    const unreached = parked === undefined ? state.unreached : 0;
    const withHub = {
      ...without(state, 'unheard'),
      unreached,
      next: { ...counted, assignment },
      registered: event.as,
      grace: 0,
    };
    return move(withHub, 'connecting-next', event, 'registered');
  }
  if (current === undefined || current.thumbprint !== event.thumbprint) return state;
  // DPS pins the thumbprint that registered last: a candidate has lost its place.
  const undone = next === undefined ? {} : { next: { ...next, sent: false } };
  const pinned: RollState = {
    ...without(state, 'grace', 'unheard'),
    ...undone,
    assignment,
    rejected: false,
    registered: event.as,
  };
  const proven = state.online === session(current, assignment);
  if (state.phase === 'registering') {
    const after = proven ? dropCure(calm(ended(pinned, event))) : { ...pinned, grace: 0 };
    return settle(after, event, 'registered');
  }
  if (state.phase === 'abandoning' && next !== undefined) {
    const key = keyOf(next);
    // A refused candidate ends its roll; a discarded one makes room for the next.
    const refused = next.unwanted === true ? undefined : next.parked?.failure;
    const back = refused === undefined ? pinned : finish(pinned, event, 'kept', refused);
    const gone = without(back, 'next');
    const alone: RollState = proven ? ended(gone, event) : { ...gone, grace: 0 };
    return settle(retireKey(alone, key), event, 'registered');
  }
  return state;
}

/** A re-registration ends when its hub has accepted the leaf. */
function ended(state: RollState, event: RollEvent): RollState {
  return state.request?.action === 're-register' ? finish(state, event, 'done') : state;
}

/** Nothing is wrong any more. */
function calm(state: RollState): RollState {
  return { ...without(state, 'trouble', 'grace', 'probe', 'unheard'), unproven: 0, unreached: 0 };
}

function connected(state: RollState, event: Of<'connected'>): RollState {
  const { current, next } = state;
  const open = { online: `${event.thumbprint}@${event.hub}`, lastSeen: event.at };
  if (
    state.phase === 'connecting-next' &&
    next?.leaf?.thumbprint === event.thumbprint &&
    next.assignment !== undefined
  ) {
    // Proven: only now it becomes current, and only after this is on disk the old key may be destroyed.
    const promoted: RollState = {
      ...calm(finish(without(state, 'next', 'rolledFor', 'alarm'), event, 'done')),
      ...open,
      current: next.leaf,
      assignment: next.assignment,
      rejected: false,
    };
    return settle(retireKey(remembered(promoted), current?.key), event, 'connected');
  }
  if (current?.thumbprint !== event.thumbprint) return state;
  if (state.phase === 'connecting-next') return { ...state, ...open };
  const accepted = { ...calm(state), ...open, rejected: false };
  // The hub accepts the leaf, whatever DPS said of it: the gateway is not stranded.
  if (state.phase === 'stranded') return settle(accepted, event, 'connected');
  // DPS was about to be asked for another hub, and this one has come back.
  if (state.phase === 'registering' && state.request?.reason === 'unreached') {
    return settle(finish(accepted, event, 'done'), event, 'connected');
  }
  // A roll was interrupted to ask for another hub, or for the same once more.
  if (state.phase === 'registering' && state.request?.action === 'roll') return settle(accepted, event, 'connected');
  if (REGISTERING.has(state.phase)) return accepted;
  if (isCured(accepted)) return settle(cured(accepted, event), event, 'connected');
  const through = ended(accepted, event);
  const alone = dropCure(through);
  return alone === through ? through : settle(alone, event, 'connected');
}

function cured(state: RollState, event: RollEvent): RollState {
  return without(finish(setAside(state), event, 'done'), 'rolledFor');
}

function lost(state: RollState, event: Of<'lost'>): Moved {
  if (state.online?.startsWith(`${event.thumbprint}@`) !== true) return state;
  const flaps = event.heldMs < FLAP_MS ? state.flaps + 1 : 0;
  const offline: RollState = { ...without(state, 'online'), flaps };
  const { failure: met } = event;
  const isIdle = met.code === 'NL-NETWORK-IDLE';
  // The first reconnect follows at once: most sessions end for a reason that is over. So does one with a shorter keepalive.
  if (isIdle ? met.retryAfterMs === undefined : flaps < 2) return offline;
  if (!isIdle && flaps < FLAPS) return { state: offline, retry: met };
  // From the sixth on a quarter of an hour: at most 96 sessions a day, each of which reads the twin.
  const retryAfterMs = FLAP_PAUSE_MS * (flaps < 2 * FLAPS ? 1 : 3);
  const trouble = isIdle ? met : failure('NL-HUB-FLAPPING', { cause: met.code, retryAfterMs });
  return { state: { ...offline, trouble }, retry: trouble };
}
