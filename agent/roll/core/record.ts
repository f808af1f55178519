import { areaOf, type Failure, failure as failureFor } from '../../failure/failure.ts';
import type { Leaf } from '../leaf.ts';
import { type Of, type Outcome, type Reason, type RollEvent, session } from '../state.ts';
import {
  type Answer,
  type Asked,
  forget,
  type Generation,
  isKeyless,
  leafOf,
  type Memory,
  type Old,
  type Question,
  questionOf,
  type Trusted,
  whoIs,
  without,
} from './memory.ts';
import { sessionLost } from './session-lost.ts';

/** An event with the monotonic moment at which it came, in milliseconds. */
export type Timed<E extends RollEvent = RollEvent> = E & { readonly up: number };

const OUTCOMES_KEPT = 10;

/** What an event tells. No policy: what is to be done is not decided here. What people ask for is in requests.ts. */
export function record(memory: Memory, event: Timed): Memory {
  switch (event.kind) {
    case 'started':
      return started(memory, event);
    case 'key-generated':
      return made(memory, event);
    case 'leaf-issued':
      return issued(memory, event);
    case 'registered':
      return registered(memory, event);
    case 'connected':
      return connected(memory, event);
    case 'key-destroyed':
      return forget({ ...memory, old: memory.old.filter(({ id }) => id !== event.id) }, `destroy ${event.id}`);
    case 'failed':
      return failed(memory, event);
    case 'lost':
      return sessionLost(memory, event);
    default:
      return memory;
  }
}

/** A key that the token did not destroy is tried again at each start; the settings of the issuer may be others. */
function started(memory: Memory, event: Timed<Of<'started'>>): Memory {
  const destroying = memory.old.map(({ id }): Question => `destroy ${id}`);
  const { issue } = memory.answers;
  const anew =
    event.isIssuerChanged === true && issue
      ? { answers: { ...memory.answers, issue: { ...issue, again: true as const } } }
      : {};
  const old = memory.old.map(({ slot, id }): Old => ({ slot, id }));
  const found = event.given === undefined ? {} : { current: event.given };
  return forget({ ...memory, ...anew, ...found, old }, ...destroying);
}

function made(memory: Memory, { key }: Of<'key-generated'>): Memory {
  const { next } = memory;
  if (next?.key.id !== key.id) return memory;
  return heard({ ...memory, next: { ...next, key, isMade: true } }, 'make');
}

function issued(memory: Memory, event: Timed<Of<'leaf-issued'>>): Memory {
  const { next, current } = memory;
  const { leaf } = event;
  if (next?.isMade !== true || next.key.id !== leaf.key.id || next.leaf !== undefined) return memory;
  // For a kept key, a CA that remembers may issue the old certificate again: there is nothing to roll to.
  if (leaf.thumbprint === current?.thumbprint)
    return answered(memory, 'issue', { verdict: 'refused', failure: failureFor('NL-LEAF-SAME') }, event);
  return withLeaf(heard(memory, 'issue'), { ...next, leaf, from: 'issuer' });
}

/** A leaf about which no question has been asked yet. */
export const withLeaf = (memory: Memory, next: Generation): Memory =>
  forget({ ...without(memory, 'next'), next, at: without(memory.at, 'next') }, 'register next', 'connect next');

function registered(memory: Memory, event: Timed<Of<'registered'>>): Memory {
  const { assignment, thumbprint, as } = event;
  const who = whoIs(memory, thumbprint);
  const leaf = who && leafOf(memory, who);
  if (who === undefined || leaf === undefined) return memory;
  // DPS pins the thumbprint that registered last: another leaf has lost its place.
  const trusts: readonly Trusted[] = [{ thumbprint, keyId: leaf.key.id }];
  const at = who === 'next' ? { ...memory.at, next: assignment } : { current: assignment };
  const { ask } = memory;
  // The pause after the end of a session was with the hub of before.
  const before = who === 'current' ? without(memory, 'end') : memory;
  const pinned = forget(
    { ...before, trusts, at, registered: as, ...(ask && { ask: { ...ask, isAccepted: true } }) },
    `connect ${who}`,
  );
  const heard = relieved(answered(pinned, `register ${who}`, { verdict: 'accepted' }, event));
  if (who === 'next') return heard;
  // A hub that was silent about the candidate is not the one that DPS assigns now: the candidate is as one that was not asked for.
  const { next } = memory.at;
  const isMoved =
    next !== undefined && next.hub !== assignment.hub && heard.answers['connect next']?.verdict === 'silent';
  const told = isMoved ? forget(heard, 'register next', 'connect next') : heard;
  // The hub has taken no other leaf meanwhile: the session that is open honours it already.
  const isAlone = memory.trusts.every((one) => one.thumbprint === thumbprint || isRefusedByHub(memory, one));
  return isServed(told) && isAlone ? forget(told, 'sign', 'register current') : forget(told, 'sign');
}

const isRefusedByHub = (memory: Memory, { thumbprint }: Trusted): boolean =>
  whoIs(memory, thumbprint) === 'next' && memory.answers['connect next']?.verdict === 'refused';

function connected(memory: Memory, event: Timed<Of<'connected'>>): Memory {
  const { thumbprint, hub, at } = event;
  const { next, current } = memory;
  const open = { ...without(memory, 'end'), online: `${thumbprint}@${hub}`, lastSeen: at };
  if (next?.leaf?.thumbprint === thumbprint && memory.at.next !== undefined)
    return promoted(open, next, next.leaf, event);
  if (current?.thumbprint !== thumbprint) return memory;
  const honoured = signed(forget(heard(open, 'connect current'), 'connect current'));
  // What the gateway itself lacks for a registration keeps its pace, however often a session ends.
  return honoured.answers['register current']?.verdict === 'broken' ? honoured : forget(honoured, 'register current');
}

/** Proven: only now it becomes current, and only after this is on disk the old key may be destroyed. */
function promoted(
  memory: Memory,
  { because = 'asked' }: Generation,
  leaf: Leaf,
  event: Timed<Of<'connected'>>,
): Memory {
  const { current, ask } = memory;
  const old = [...memory.old.map(({ slot, id }) => ({ slot, id })), ...(current ? [current.key] : [])];
  const own = {
    id: `newleaf-${event.at.toString(36)}`,
    action: 'roll',
    reason: because,
    from: 'newleaf',
    at: event.at,
  } as const;
  const proven: Memory = {
    // Another leaf that serves is progress.
    ...without(memory, 'next', 'alarm', 'spent'),
    current: leaf,
    at: memory.at.next === undefined ? {} : { current: memory.at.next },
    old: old.filter(({ slot, id }) => slot !== 'given' && id !== leaf.key.id),
    ask: ask ?? { request: own },
    answers: {},
  };
  return ended(isCure(because) ? came(proven, memory, event) : proven, event.at, 'done');
}

/** Whether DPS or the hub had refused the leaf before, or its key was lost. */
const isCure = (because: Reason): boolean =>
  because === 'rejected' || because === 'dps-refused' || because === 'key-lost';

/** A cure comes to something when its session has been held for an hour. */
const came = (proven: Memory, { answers: { roll } }: Memory, event: Timed): Memory =>
  answered({ ...proven, answers: roll ? { roll } : {} }, 'roll', { verdict: 'refused' }, event);

/** Ends the request that is in flight, if there is one. */
export function ended(memory: Memory, at: number, outcome: Outcome['outcome'], failure?: Failure): Memory {
  if (memory.ask === undefined) return memory;
  const one: Outcome = { ...memory.ask.request, outcome, ...(failure && { failure }), endedAt: at };
  return { ...without(memory, 'ask'), outcomes: [one, ...memory.outcomes].slice(0, OUTCOMES_KEPT) };
}

function failed(memory: Memory, event: Timed<Of<'failed'>>): Memory {
  const { effect, failure } = event;
  const question = questionOf(memory, effect);
  if (question === undefined) return memory;
  const verdict = failure.kind === 'transient' ? 'silent' : failure.kind;
  const told = answered(memory, question, { verdict, failure, ...(event.isMetAnew && { lasting: true }) }, event);
  if (question === 'issue' && failure.code === 'NL-TOKEN-KEY') return unmade(notSigned(told, event));
  const { lasting, times = 0 } = told.answers.issue ?? {};
  if (question === 'issue' && lasting && times >= 3) return notSigned(told, event);
  if (effect.kind !== 'register' && effect.kind !== 'connect') return told;
  const counted = notSigned(effect.kind === 'register' ? notRegistered(told, effect.leaf, event) : told, event);
  return event.newer === undefined ? counted : found(counted, event.newer);
}

/** A state from before a roll was put back, and DPS trusts the leaf that came after it: this one is proven, as a read may have failed. */
function found(memory: Memory, leaf: Leaf): Memory {
  const { current, next, at } = memory;
  // One that DPS was shown is no news: it is the candidate, or was given up.
  if ([...memory.trusts, ...(next?.leaf ? [next.leaf] : [])].some((one) => one.thumbprint === leaf.thumbprint))
    return memory;
  const known = [
    ...memory.old,
    ...(next ? [{ slot: next.key.slot, id: next.key.id, isRemembered: true as const }] : []),
  ];
  const old = known.filter(({ slot, id }) => slot !== 'given' && id !== leaf.key.id && id !== current?.key.id);
  const trusts = [...memory.trusts, { thumbprint: leaf.thumbprint, keyId: leaf.key.id }];
  const generation = { key: leaf.key, isMade: true, leaf, from: 'issuer', because: 'key-lost' } as const;
  const wanted = withLeaf({ ...memory, old, trusts }, generation);
  return at.current === undefined ? wanted : { ...wanted, at: { current: at.current, next: at.current } };
}

/** The token does not have it: if it is there after all, it is found by its CKA_ID when it is made. */
function unmade(memory: Memory): Memory {
  const { next, answers } = memory;
  if (next === undefined) return memory;
  const key = without(next, 'isMade');
  if (!next.isSecond) return forget({ ...memory, next: { ...key, isSecond: true } }, 'issue');
  // One that is lost again is made by the ladder of the issuer.
  return { ...memory, next: key, answers: { ...answers, ...(answers.issue && { make: answers.issue }) } };
}

/** DPS has accepted a leaf, and told a hub that the configuration does not allow. */
const PINNED = 'NL-DPS-HUB';

function notRegistered(memory: Memory, { thumbprint, key }: Leaf, event: Timed<Of<'failed'>>): Memory {
  const { failure } = event;
  if (failure.code === PINNED) {
    const at = whoIs(memory, thumbprint) === 'current' ? without(memory.at, 'next') : memory.at;
    return relieved({ ...memory, at, trusts: [{ thumbprint, keyId: key.id }] });
  }
  const isHeard = failure.kind === 'transient';
  const trusts = memory.trusts.flatMap((one) => {
    if (one.thumbprint !== thumbprint) return [one];
    return one.isNew && !isHeard ? [] : [{ thumbprint, keyId: key.id }];
  });
  const after = { ...memory, trusts };
  if (failure.kind === 'transient') return answered(after, 'dps', { verdict: 'silent', failure }, event);
  return failure.kind === 'refused' ? relieved(after) : after;
}

/** An answer of DPS ends a pause that it had asked for, and takes one rung of its silence away, not all: it may answer about one leaf, or each second time. */
function relieved(memory: Memory): Memory {
  const { dps } = memory.answers;
  if (dps?.failure === undefined || dps.times <= 1) return forget(memory, 'dps');
  const silence = { ...dps, failure: without(dps.failure, 'retryAfterMs'), times: dps.times - 1 };
  return { ...memory, answers: { ...memory.answers, dps: silence } };
}

/** Also of what ends the process. */
export function notSigned(memory: Memory, event: Timed<Of<'failed'>>): Memory {
  const { effect, failure } = event;
  const { current } = memory;
  const isOfCurrent =
    'leaf' in effect
      ? whoIs(memory, effect.leaf.thumbprint) === 'current'
      : effect.kind === 'request-leaf' && effect.key.id === current?.key.id;
  if (!isOfCurrent) return memory;
  if (failure.kind === 'broken' && areaOf(failure) === 'TOKEN')
    return answered(memory, 'sign', { verdict: 'broken', failure, ...(event.isSure && { lasting: true }) }, event);
  // A server that answers has seen the signature: what the token failed to sign before is over.
  return failure.kind === 'refused' ? signed(memory) : memory;
}

function signed(memory: Memory): Memory {
  const { 'register current': told } = memory.answers;
  const isOfToken = told?.failure !== undefined && areaOf(told.failure) === 'TOKEN';
  return forget(memory, 'sign', ...(isOfToken ? (['register current'] as const) : []));
}

type Told = Pick<Answer, 'verdict' | 'failure' | 'lasting'>;

/** Neither an acceptance nor a refusal. */
const isNone = <T extends Pick<Answer, 'verdict'>>(told: T | undefined): told is T =>
  told?.verdict === 'silent' || told?.verdict === 'broken';

export function answered(
  memory: Memory,
  question: Question,
  told: Told,
  { at, up, draw }: Pick<Timed, 'at' | 'up' | 'draw'>,
): Memory {
  const before = memory.answers[question];
  // What a token failed at with its key says nothing of one that is not there.
  const isSame = question !== 'issue' || isKeyless(before) === isKeyless(told);
  const times = before?.verdict === told.verdict && isSame ? before.times + 1 : 1;
  const tries = isNone(told) && isNone(before) ? (before.tries ?? before.times) + 1 : times;
  const answers = { ...memory.answers, [question]: { ...told, times, ...(tries > times && { tries }), at, up, draw } };
  return noted({ ...memory, answers }, question);
}

/** The answer was a good one, after which nothing is left to say. */
const heard = (memory: Memory, question: Question): Memory => noted(forget(memory, question), question);

function noted(memory: Memory, question: Question): Memory {
  const { ask } = memory;
  if (ask?.heard === undefined || ask.heard.includes(question)) return memory;
  return { ...memory, ask: { ...ask, heard: [...ask.heard, question] } };
}

export const asksNow = (asked: Asked): Asked => ({ ...asked, heard: [] });

/** Whether the session is that of the current leaf, at the place where DPS has assigned it. */
export const isServed = ({ current, at, online }: Memory): boolean =>
  current !== undefined && at.current !== undefined && online === session(current, at.current);
