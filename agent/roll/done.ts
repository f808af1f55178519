import { failure } from '../failure/failure.ts';
import { type Assigned, type Candidate, hasLeaf, inherited, type WithLeaf } from './candidate.ts';
import { issuerRefused } from './failed.ts';
import { pending, retireKey } from './keys.ts';
import { WAITING } from './look.ts';
import { dropCure, finish, resumeRoll, setAside, toRegisterNext, without } from './moves.ts';
import { type Of, type RollEvent, type RollState, session } from './state.ts';

// An effect has ended well.

export function keyGenerated(state: RollState, event: Of<'key-generated'>): RollState {
  const { next } = state;
  if (state.phase !== 'generating-key' || next?.is !== 'key-wanted') return state;
  const { slot: _, id: _id, ...alone } = next;
  return { ...state, next: { ...alone, is: 'key-made', key: event.key } };
}

export function issued(state: RollState, event: Of<'leaf-issued'>): RollState {
  const { next, current, phase } = state;
  const { leaf } = event;
  if (phase !== 'requesting-leaf' || next?.is !== 'key-made') return state;
  // For a kept key, a CA that remembers may issue the old certificate again: there is nothing to roll to.
  if (leaf.thumbprint === current?.thumbprint) return issuerRefused(state, next, event, failure('NL-LEAF-SAME'));
  return toRegisterNext(state, { is: 'sent', leaf, from: 'issuer', tries: 0, ...inherited(next) });
}

export function registered(state: RollState, event: Of<'registered'>): RollState {
  const { next, current } = state;
  if (next?.is === 'sent' && next.leaf.thumbprint === event.thumbprint) return nextRegistered(state, next, event);
  if (current === undefined || current.thumbprint !== event.thumbprint) return state;
  const { assignment } = event;
  // DPS pins the thumbprint that registered last: a candidate has lost its place.
  const undone = next === undefined ? {} : { next: untrusted(next) };
  const pinned: RollState = {
    ...without(state, 'grace', 'unheard', 'ask'),
    ...undone,
    assignment,
    rejected: false,
    registered: event.as,
  };
  const proven = state.online === session(current, assignment);
  if (next?.is === 'unwanted') {
    // A refused candidate ends its roll; a discarded one makes room for the next.
    const back = next.because === 'refused' ? finish(pinned, event, 'kept', next.rest.failure) : pinned;
    const gone = without(back, 'next');
    return goOn(retireKey(proven ? ended(gone, event) : { ...gone, grace: 0 }, next.leaf.key), event);
  }
  if (state.phase !== 'registering') return state;
  return goOn(proven ? dropCure(calm(ended(pinned, event))) : { ...pinned, grace: 0 }, event);
}

function untrusted(next: Candidate): Candidate {
  if (next.is !== 'parked' && next.is !== 'key-made') return next;
  const { isKeyTrusted: _, ...alone } = next;
  return alone.is === 'parked' ? { ...alone, trust: 'none' } : alone;
}

function nextRegistered(
  state: RollState,
  { leaf, from, tries, last }: Extract<WithLeaf, { is: 'sent' }>,
  event: Of<'registered'>,
): RollState {
  // A candidate that comes back counts its own attempts, and not those of the current leaf.
  const unreached = last === undefined ? state.unreached : 0;
  const next: Assigned = { is: 'assigned', leaf, from, tries, assignment: event.assignment };
  return { ...without(state, 'unheard'), unreached, next, registered: event.as, grace: 0 };
}

/** A roll that was interrupted goes on. */
function goOn(state: RollState, event: RollEvent): RollState {
  return state.request?.action === 'roll' ? resumeRoll(state, event) : state;
}

/** A re-registration ends when its hub has accepted the leaf. */
function ended(state: RollState, event: RollEvent): RollState {
  return state.request?.action === 're-register' ? finish(state, event, 'done') : state;
}

/** The hub accepts the current leaf: nothing is counted any more. */
function calm(state: RollState): RollState {
  return { ...without(state, 'grace', 'probe', 'unheard', 'keyless'), unproven: 0, unreached: 0 };
}

export function connected(state: RollState, event: Of<'connected'>): RollState {
  const { current, next, request, phase } = state;
  const open = { online: `${event.thumbprint}@${event.hub}`, lastSeen: event.at };
  if (next?.is === 'assigned' && next.leaf.thumbprint === event.thumbprint)
    return promoted({ ...state, ...open }, next, event);
  if (current?.thumbprint !== event.thumbprint) return state;
  if (next?.is === 'assigned') return { ...state, ...open };
  const accepted: RollState = { ...calm(state), ...open, rejected: false };
  // The hub accepts the leaf, whatever DPS said of it: the gateway is not stranded.
  if (phase === 'stranded') return goOn(without(accepted, 'stranded'), event);
  if (phase === 'registering') {
    // DPS was about to be asked for another hub, and this one has come back.
    if (request?.reason === 'unreached') return finish(without(accepted, 'ask'), event, 'done');
    // A roll was interrupted to ask for another hub, or for the same once more.
    return request?.action === 'roll' ? goOn(without(accepted, 'ask'), event) : accepted;
  }
  if (hasLeaf(next) && next.is !== 'parked') return accepted;
  // DPS refused the leaf, a roll was to cure it, and DPS and hub have taken the leaf again before there was a new one.
  if (request?.reason === 'dps-refused' && WAITING.has(phase))
    return without(finish(setAside(accepted), event, 'kept'), 'rolledFor');
  return dropCure(ended(accepted, event));
}

/** Proven: only now it becomes current, and only after this is on disk the old key may be destroyed. */
function promoted(state: RollState, { leaf, assignment }: Assigned, event: Of<'connected'>): RollState {
  const proven: RollState = {
    ...calm(finish(without(state, 'next', 'rolledFor', 'alarm'), event, 'done')),
    current: leaf,
    assignment,
    rejected: false,
  };
  // Others that were to be destroyed once a leaf is proven.
  const retire = proven.retire.map((one) => pending(one));
  return retireKey(without({ ...proven, retire }, 'ask'), state.current?.key);
}

export function keyDestroyed(state: RollState, event: Of<'key-destroyed'>): RollState {
  const retire = state.retire.filter(({ id }) => id !== event.id);
  if (state.phase !== 'retiring-key' || retire.length === state.retire.length) return state;
  const free = { ...state, retire };
  // The key made room for a roll: that goes on, even if the hub refuses the current leaf.
  if (free.request?.action === 'roll') return resumeRoll(free, event);
  return free;
}
