import type { Leaf } from '../leaf.ts';
import { nameOf as poisonName } from '../poison.ts';
import type { RollEffect } from '../state.ts';
import {
  hasItsTime,
  isAccepted,
  isAfter,
  isBarred,
  isOnline,
  isProving,
  isRejected,
  isTrusted,
  isUnheard,
  isUnwanted,
  isValid,
  wish,
} from './knots.ts';
import { type Circumstances, type Memory, type Question, questionOf, whoIs } from './memory.ts';
import { budgetWait, waitFor, waitForDps, waitForPlace, waitForSession } from './pace.ts';
import { isServed } from './record.ts';

export type RowName = 'prove' | 'register next' | 'register current' | 'destroy' | 'make' | 'issue';

/** Something that is to be asked, from this moment on. */
export interface Wanted {
  readonly row: RowName;
  readonly effect: RollEffect;
  readonly question: Question;
  /** In milliseconds from now; 0 or less: now. */
  readonly wait: number;
}

export interface Plan {
  /** What is asked now: at most one piece of work and one session. */
  readonly asks: readonly RollEffect[];
  /** What the work is about, or waits for. */
  readonly work?: Wanted;
  /** All that the work may be about, in the order of the rows. */
  readonly wanted: readonly Wanted[];
  readonly session?: { readonly effect: RollEffect; readonly wait: number };
  /** Monotonic moment of the next look, in milliseconds. */
  readonly nextAt: number;
}

type Ask = (memory: Memory, c: Circumstances) => Omit<Wanted, 'row'> | undefined;

/** The candidate that DPS has assigned is proven at its hub. */
const prove: Ask = (memory, c) => {
  const { next, at } = memory;
  if (!isProving(memory) || next?.leaf === undefined || at.next === undefined) return undefined;
  if (isUnheard(memory, 'next') && !isTurnOf(memory, 'next')) return undefined;
  const effect = { kind: 'connect', leaf: next.leaf, assignment: at.next } as const;
  return { effect, question: 'connect next', wait: waitFor('connect next', memory, c) };
};

/** A leaf that DPS has not assigned, or whose hub refuses it or does not answer. */
const registerNext: Ask = (memory, c) => {
  const { next, at, answers } = memory;
  if (next?.leaf === undefined || isUnwanted(memory)) return undefined;
  const isOpen = at.next === undefined || isRejected(memory, 'next') || isUnheard(memory, 'next');
  if (!isOpen) return undefined;
  // The hub has its time for the current leaf.
  if (!isOnline(memory) && isValid(memory, c) && hasItsTime(memory, 'current')) return undefined;
  const told = answers['register next'];
  if ((told?.verdict === 'silent' || isUnheard(memory, 'next')) && isTurnOfCurrent(memory, c)) return undefined;
  const since = answers['connect current'];
  const isAnew =
    isRejected(memory, 'current') &&
    !isOnline(memory) &&
    told?.verdict === 'refused' &&
    since !== undefined &&
    since.at > told.at &&
    since.times <= 1 &&
    !isAccepted(memory, 'current');
  const wait = isAnew ? waitFor('dps', memory, c) : waitForDps('next', memory, c);
  return { effect: { kind: 'register', leaf: next.leaf }, question: 'register next', wait };
};

/** DPS or a hub may answer about the one leaf, and not about the other: the one that was asked for longer ago comes first. */
function isTurnOfCurrent(memory: Memory, c: Circumstances): boolean {
  const other = registerCurrent(memory, c);
  return other !== undefined && other.wait <= 0 && !isAfter(memory, 'current', 'next');
}

/** The current leaf: it has no session, or DPS is to trust it in place of another, or somebody asks. */
const registerCurrent: Ask = (memory, c) => {
  const { current, ask, registered, answers } = memory;
  if (current === undefined || !isValid(memory, c)) return undefined;
  const effect = { kind: 'register', leaf: current } as const;
  const question = 'register current';
  // DPS has pinned a leaf that does not serve.
  const isUseless = isUnwanted(memory) || (isRejected(memory, 'next') && c.terms.trust === 'leaf');
  const isBack = (isTrusted(memory) && isUseless) || isStrayTrusted(memory);
  const isLost = isBarred(memory) || (isUnheard(memory, 'current') && !isOnline(memory));
  const isAsked = ask?.request.action === 're-register' && ask.isAccepted !== true;
  const isOther = registered !== undefined && registered !== c.terms.registered;
  if (!isBack && !isLost && !isAsked && !isOther) return undefined;
  if (isProving(memory) && !isUnheard(memory, 'next') && !isBack) return undefined;
  if (isLost && hasItsTime(memory, 'current') && !isBack && !isAsked) return undefined;
  const isFirst = answers[question] === undefined || (isBack && answers[question]?.verdict === 'accepted');
  return { effect, question, wait: isFirst ? waitFor('dps', memory, c) : waitForDps('current', memory, c) };
};

/** DPS may trust a leaf that is given up: its key holds its place, and the hub would refuse the current leaf at its next session. */
function isStrayTrusted({ trusts, current, next }: Memory): boolean {
  if (next?.leaf !== undefined) return false;
  return trusts.some(({ keyId, thumbprint }) => thumbprint !== current?.thumbprint && keyId !== next?.key.id);
}

/** A key that has served: only one of which DPS trusts no leaf, the one in the needed place first. */
const destroy: Ask = (memory, c) => {
  const { old, trusts, next } = memory;
  const needed = next !== undefined && !next.isMade && wantsKey(memory, c) ? next.key.slot : undefined;
  const free = old.filter(
    ({ id, slot, isRemembered }) => !trusts.some(({ keyId }) => keyId === id) && (!isRemembered || slot === needed),
  );
  const waits = free.map((key) => ({
    key,
    wait: key.slot === needed ? waitForPlace(key.id, memory, c) : waitFor(`destroy ${key.id}`, memory, c),
  }));
  const [first] = waits.toSorted(
    (one, other) => Number(other.key.slot === needed) - Number(one.key.slot === needed) || one.wait - other.wait,
  );
  if (first === undefined) return undefined;
  const { slot, id } = first.key;
  return { effect: { kind: 'destroy-key', key: { slot, id } }, question: `destroy ${id}`, wait: first.wait };
};

const wantsKey = (memory: Memory, c: Circumstances): boolean =>
  memory.next?.isForPerson === true || (memory.next?.because !== undefined && wish(memory, c) !== undefined);

/** A key that was named, once its place is free. */
const make: Ask = (memory, c) => {
  const { next, old } = memory;
  if (next === undefined || next.isMade || next.leaf !== undefined || !wantsKey(memory, c)) return undefined;
  const { slot, id } = next.key;
  if (slot === 'given' || old.some((one) => one.slot === slot && one.id !== id)) return undefined;
  return { effect: { kind: 'generate-key', slot, id }, question: 'make', wait: waitFor('make', memory, c) };
};

/** A leaf for the key that is there. */
const issue: Ask = (memory, c) => {
  const { next } = memory;
  if (next?.isMade !== true || next.leaf !== undefined || next.because === undefined || !c.terms.automatic)
    return undefined;
  return { effect: { kind: 'request-leaf', key: next.key }, question: 'issue', wait: waitFor('issue', memory, c) };
};

const ROWS: readonly (readonly [RowName, Ask])[] = [
  ['prove', prove],
  ['register next', registerNext],
  ['register current', registerCurrent],
  ['destroy', destroy],
  ['make', make],
  ['issue', issue],
];

function isTurnOf(memory: Memory, who: 'next' | 'current'): boolean {
  const [mine, other] = [
    memory.answers[`register ${who}`],
    memory.answers[`register ${who === 'next' ? 'current' : 'next'}`],
  ];
  return other === undefined || (mine !== undefined && mine.at <= other.at);
}

/** Work that waits for DPS or a hub is not interrupted; that of token and issuer is. */
const isHeld = ({ kind }: RollEffect): boolean => kind === 'register' || kind === 'connect' || kind === 'destroy-key';

/** Work of the token for what is next. */
const OF_TOKEN: ReadonlySet<RowName> = new Set<RowName>(['make', 'issue', 'destroy']);
/** How long a start waits for the session, in milliseconds. */
const SESSION_MS = 60_000;

/** What serves goes before what is next, and before what poisoned the process before this one. */
function sessionFirst(memory: Memory, c: Circumstances): number {
  const isUseful = isValid(memory, c) && memory.at.current !== undefined && !isRejected(memory, 'current');
  return isUseful && !isOnline(memory) ? SESSION_MS - c.age : 0;
}

function isSuspect({ poisoned = [] }: Memory, effect: RollEffect): boolean {
  return poisoned.some((one) => one.effect === poisonName(effect));
}

export function plan(memory: Memory, c: Circumstances): Plan {
  const wanted = ROWS.flatMap(([row, ask]): Wanted[] => {
    const one = ask(memory, c);
    if (one === undefined) return [];
    const first = OF_TOKEN.has(row) || isSuspect(memory, one.effect) ? sessionFirst(memory, c) : 0;
    return [{ row, ...one, wait: Math.max(one.wait, first, budgetWait(one.effect.kind, memory, c)) }];
  });
  const { work: flown, session: kept } = c.flying;
  const isStill = flown !== undefined && isHeld(flown) && questionOf(memory, flown) !== undefined;
  const [soonest] = wanted.toSorted((one, other) => one.wait - other.wait);
  const due = wanted.find(({ wait }) => wait <= 0) ?? soonest;
  const work = isStill ? (wanted.find(({ effect }) => isSame(effect, flown)) ?? due) : due;
  const session = sessionOf(memory, c);
  const asks = [
    ...(isStill ? [flown] : work !== undefined && work.wait <= 0 ? [work.effect] : []),
    ...(session === undefined
      ? []
      : kept !== undefined && isSame(kept, session.effect)
        ? [kept]
        : session.wait <= 0
          ? [session.effect]
          : []),
  ];
  const moments = [...(isStill ? [] : wanted.map(({ wait }) => wait)), ...(session ? [session.wait] : [])].filter(
    (wait) => wait > 0,
  );
  const nextAt = c.up + Math.min(...moments, Number.POSITIVE_INFINITY);
  return { asks, ...(work && { work }), wanted, ...(session && { session }), nextAt };
}

/** The session with the current leaf is kept, whatever DPS says; only a refusal by the hub itself ends it. */
function sessionOf(memory: Memory, c: Circumstances): Plan['session'] {
  const { current, at } = memory;
  if (current === undefined || at.current === undefined || isRejected(memory, 'current') || isServed(memory))
    return undefined;
  const effect = { kind: 'connect', leaf: current, assignment: at.current } as const;
  return { effect, wait: Math.max(waitForSession(memory, c), budgetWait('connect', memory, c)) };
}

/** Two effects are the same when they do the same to the same key. */
export const isSame = (one: RollEffect, other: RollEffect): boolean => nameOf(one) === nameOf(other);

function nameOf(effect: RollEffect): string {
  if (effect.kind === 'generate-key') return `${effect.kind} ${effect.slot} ${effect.id}`;
  if (!('leaf' in effect)) return `${effect.kind} ${effect.key.id}`;
  const place =
    effect.kind === 'connect' ? `${effect.assignment.hub} ${effect.assignment.deviceId} ${effect.assignment.key}` : '';
  return `${effect.kind} ${effect.leaf.thumbprint} ${place}`;
}

/** Before a leaf goes out, it is one that DPS may trust: written down first. */
export function intend(memory: Memory, asks: readonly RollEffect[], flying: Circumstances['flying']): Memory {
  let intended = memory;
  for (const effect of asks) {
    if (effect.kind !== 'register' || (flying.work && isSame(flying.work, effect))) continue;
    const { thumbprint, key } = effect.leaf;
    const isKnown = intended.trusts.some((one) => one.thumbprint === thumbprint);
    if (isKnown || whoIs(intended, thumbprint) === undefined) continue;
    intended = { ...intended, trusts: [...intended.trusts, { thumbprint, keyId: key.id, isNew: true }] };
  }
  return intended;
}

export type { Leaf };
