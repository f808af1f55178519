import {
  hasItsTime,
  isAccepted,
  isAfter,
  isBarred,
  isDenied,
  isGuarded,
  isOnline,
  isProving,
  isRejected,
  isTrusted,
  isUnheard,
  isUnwanted,
  isValid,
  wantsKey,
} from './knots.ts';
import { type Circumstances, isNewer, type Memory } from './memory.ts';
import { isHurried, waitFor, waitForDps, waitForPlace } from './pace.ts';
import type { AskRow } from './row.ts';

const CURRENT: AskRow = {
  name: 'register current',
  why: 'DPS is asked for the current leaf: no session comes from it, DPS trusts another that does not serve, the settings differ, or a person asks',
  ask: (memory, c) => {
    const { current, answers } = memory;
    if (current === undefined || !isValid(memory, c) || !isCurrentToRegister(memory, c)) return undefined;
    const told = answers['register current'];
    const isFirst = told === undefined || (told.verdict === 'accepted' && isBack(memory, c) && !isOneOfTwo(memory));
    const wait = isFirst ? waitFor('dps', memory, c) : waitForDps('current', memory, c);
    return { effect: { kind: 'register', leaf: current }, question: 'register current', wait };
  },
};

/** Questions to DPS and hub about a leaf. The first whose moment has come is asked. */
export const OF_LEAVES: readonly AskRow[] = [
  {
    name: 'prove',
    why: 'the hub that DPS has assigned to the next leaf is asked to take it, while it has not refused it for good',
    ask: (memory, c) => {
      const { next, at } = memory;
      if (!isProving(memory) || next?.leaf === undefined || at.next === undefined) return undefined;
      if (isUnheard(memory, 'next') && !isTurnOf(memory, 'next')) return undefined;
      const effect = { kind: 'connect', leaf: next.leaf, assignment: at.next } as const;
      return { effect, question: 'connect next', wait: waitFor('connect next', memory, c) };
    },
  },
  {
    name: 'register next',
    why: 'DPS is asked for a next leaf that it has not assigned, or whose hub refuses it or is silent; not while the hub has its time for the current leaf, nor in the turn of that leaf',
    ask: (memory, c) => {
      const { next } = memory;
      if (next?.leaf === undefined || !isOpen(memory) || isHubAsked(memory, c)) return undefined;
      if (isByTurns(memory) && isTurnOfCurrent(memory, c)) return undefined;
      const wait = isAskedAnew(memory, c) ? waitFor('dps', memory, c) : waitForDps('next', memory, c);
      return { effect: { kind: 'register', leaf: next.leaf }, question: 'register next', wait };
    },
  },
  CURRENT,
];

/** Questions to token and issuer, after those about leaves. */
export const OF_KEYS: readonly AskRow[] = [
  {
    name: 'destroy',
    why: 'a key that has served is destroyed once DPS trusts no leaf of it, the one in the place of the next key first: that also where no other leaf can serve',
    ask: (memory, c) => {
      const [first] = destroyable(memory, c).sort(
        (one, other) => Number(other.isNeeded) - Number(one.isNeeded) || one.wait - other.wait,
      );
      if (first === undefined) return undefined;
      const { slot, id, wait } = first;
      return { effect: { kind: 'destroy-key', key: { slot, id } }, question: `destroy ${id}`, wait };
    },
  },
  {
    name: 'make',
    why: 'the token makes the key that was named, once its place is free',
    ask: (memory, c) => {
      const { next, old } = memory;
      if (next === undefined || next.isMade || next.leaf !== undefined || !wantsKey(memory, c)) return undefined;
      const { slot, id } = next.key;
      if (slot === 'given' || old.some((one) => one.slot === slot && one.id !== id)) return undefined;
      return { effect: { kind: 'generate-key', slot, id }, question: 'make', wait: waitFor('make', memory, c) };
    },
  },
  {
    name: 'issue',
    why: 'the issuer is asked for a leaf of the key that is there, where it needs no person',
    ask: (memory, c) => {
      const { next } = memory;
      if (next?.isMade !== true || next.leaf !== undefined || next.because === undefined) return undefined;
      if (!c.terms.automatic) return undefined;
      return { effect: { kind: 'request-leaf', key: next.key }, question: 'issue', wait: waitFor('issue', memory, c) };
    },
  },
];

/** The hub has its time for the current leaf. */
const isHubAsked = (memory: Memory, c: Circumstances): boolean =>
  !isOnline(memory) && isValid(memory, c) && hasItsTime(memory, 'current') && !isRollHurried(memory);

/** A technician's roll waits for the first answer of the hub about the current leaf, and for no more. */
const isRollHurried = (memory: Memory): boolean =>
  memory.ask?.request.action === 'roll' &&
  isHurried('register next', memory) &&
  memory.answers['connect current'] !== undefined;

/** DPS has not assigned the candidate, or its hub refuses it or does not answer. */
function isOpen(memory: Memory): boolean {
  const { at, ask, answers } = memory;
  // What a token did not sign with is looked at again where no session comes from the current leaf: DPS may trust it still.
  if (isUnwanted(memory)) return isTrusted(memory) && isBarred(memory) && memory.next?.isDiscarded !== true;
  if (at.next === undefined || isRejected(memory, 'next') || isUnheard(memory, 'next')) return true;
  // A person asks for another hub.
  const isAsked = ask?.request.action === 're-register' && ask.isAccepted !== true;
  return isAsked && answers['connect next']?.verdict === 'silent';
}

/** The hub has refused the current leaf since DPS refused the candidate, or the hub this and DPS the other: it is asked at once, the first time. */
function isAskedAnew(memory: Memory, { terms }: Circumstances): boolean {
  const { 'register next': told, 'connect current': since, 'register current': before } = memory.answers;
  if (told === undefined || since === undefined || isOnline(memory) || !isNewer(since, told)) return false;
  const isRefused = isDenied(memory, 'next') || (isRejected(memory, 'next') && isDenied(memory, 'current'));
  // Where the hub trusts a CA, it is the leaf that it refuses after DPS took it.
  const times = isAccepted(memory, 'current') && terms.trust === 'ca' ? before?.times : since.times;
  return isRejected(memory, 'current') && isRefused && times === 1;
}

/** DPS or a hub do not answer about the candidate, or its hub refuses it. */
const isByTurns = (memory: Memory): boolean =>
  memory.answers['register next']?.verdict === 'silent' ||
  isUnheard(memory, 'next') ||
  isRejected(memory, 'next') ||
  isUnwanted(memory);

/** DPS or a hub may answer about the one leaf, and not about the other: the one that was asked for longer ago comes first. */
function isTurnOfCurrent(memory: Memory, c: Circumstances): boolean {
  const other = CURRENT.ask(memory, c);
  return other !== undefined && other.wait <= 0 && !isAfter(memory, 'current', 'next');
}

function isTurnOf({ answers }: Memory, who: 'next' | 'current'): boolean {
  const [mine, other] = [answers[`register ${who}`], answers[`register ${who === 'next' ? 'current' : 'next'}`]];
  return other === undefined || (mine !== undefined && !isNewer(mine, other));
}

function isCurrentToRegister(memory: Memory, c: Circumstances): boolean {
  const { ask, registered } = memory;
  if (isBack(memory, c)) return true;
  const isAsked = ask?.request.action === 're-register' && ask.isAccepted !== true;
  const isOther = registered !== undefined && registered !== c.terms.registered;
  const isLost = isBarred(memory) || (isUnheard(memory, 'current') && !isOnline(memory));
  if (isProving(memory) && !isUnheard(memory, 'next')) return false;
  if (isLost && hasItsTime(memory, 'current')) return isAsked;
  return isAsked || isOther || isLost;
}

/** DPS has pinned a leaf that does not serve. */
function isBack(memory: Memory, { terms }: Circumstances): boolean {
  const makesWay = isUnwanted(memory) || (isRejected(memory, 'next') && terms.trust === 'leaf');
  return (isTrusted(memory) && makesWay) || isStrayTrusted(memory, terms.trust);
}

/** The hub had refused the current leaf as well when DPS accepted the next one: they take turns. */
function isOneOfTwo({ answers }: Memory): boolean {
  const { 'connect current': told, 'register next': next, 'register current': before } = answers;
  if (told?.verdict !== 'refused' || next === undefined || before === undefined) return false;
  return isNewer(next, told) && !isNewer(before, told);
}

/** DPS may trust a leaf that is given up: its key holds its place, and the hub would refuse the current leaf at its next session. */
function isStrayTrusted({ trusts, current, next, answers }: Memory, trust: string): boolean {
  if (next?.leaf !== undefined) return false;
  const isGivenUp = trust === 'leaf' && (answers.issue?.verdict === 'refused' || next?.because === undefined);
  return trusts.some(
    ({ keyId, thumbprint }) => thumbprint !== current?.thumbprint && (isGivenUp || keyId !== next?.key.id),
  );
}

function destroyable(memory: Memory, c: Circumstances) {
  const { next, old, trusts } = memory;
  const needed = next !== undefined && !next.isMade && wantsKey(memory, c) ? next.key.slot : undefined;
  return old
    .filter(({ id, slot, isRemembered }) =>
      slot === needed ? !isGuarded(memory, c, id) : !isRemembered && !trusts.some(({ keyId }) => keyId === id),
    )
    .map(({ slot, id }) => {
      const isNeeded = slot === needed;
      return { slot, id, isNeeded, wait: isNeeded ? waitForPlace(id, memory, c) : waitFor(`destroy ${id}`, memory, c) };
    });
}
