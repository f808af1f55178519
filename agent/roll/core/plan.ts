import type { RollEffect } from '../state.ts';
import { OF_KEYS, OF_LEAVES } from './asks.ts';
import { isOnline, isRejected, isUnwanted, isValid } from './knots.ts';
import { type Circumstances, isKeyless, type Memory, questionOf, whoIs } from './memory.ts';
import { budgetWait, waitFor, waitForSession } from './pace.ts';
import { isServed } from './record.ts';
import type { Asking, AskName } from './row.ts';

/** Something that is to be asked, from this moment on. */
export interface Wanted extends Asking {
  readonly row: AskName;
  /** Only the budget of a day holds it back: it has come to nothing too often. */
  readonly isBraked: boolean;
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

/** The first row whose moment has come is asked; if there is none, the soonest is waited for. */
export const ASK_ROWS = [...OF_LEAVES, ...OF_KEYS];

/** Work that waits for DPS or a hub is not interrupted, unless a person has discarded its leaf; that of token and issuer is. */
function isHeld(memory: Memory, effect: RollEffect): boolean {
  const question = questionOf(memory, effect);
  if (effect.kind === 'destroy-key') return question !== undefined;
  if (effect.kind !== 'register' && effect.kind !== 'connect') return false;
  return question !== undefined && !(question.endsWith('next') && memory.next?.isDiscarded);
}

/** How long a start waits for the session, in milliseconds. */
const SESSION_MS = 60_000;

/** What serves goes first: the token may hang in what is next, and what poisoned the process before this one may do so again. */
function waitForStart(effect: RollEffect, memory: Memory, c: Circumstances): number {
  // What is in flight is not begun once more, as a job would do it after itself.
  if (isOnline(memory) || (c.flying.work !== undefined && isSame(c.flying.work, effect))) return 0;
  const isLost = isKeyless(memory.answers['connect current']);
  const isComing = isValid(memory, c) && memory.at.current !== undefined && !isRejected(memory, 'current') && !isLost;
  return isComing ? SESSION_MS - c.age : 0;
}

/** A shorter pause is not worth a word, in milliseconds. */
const LEAST_BRAKE_MS = 60_000;

export function plan(memory: Memory, c: Circumstances): Plan {
  const wanted = ASK_ROWS.flatMap(({ name, ask }): Wanted[] => {
    const one = ask(memory, c);
    if (one === undefined) return [];
    const wait = Math.max(one.wait, waitForStart(one.effect, memory, c));
    const budget = budgetWait(one.effect.kind, memory, c);
    return [{ row: name, ...one, wait: Math.max(wait, budget), isBraked: budget > Math.max(wait, LEAST_BRAKE_MS) }];
  });
  const { work: flown, session: kept } = c.flying;
  const isStill = flown !== undefined && isHeld(memory, flown);
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
  const moments = [
    ...(isStill ? [] : wanted.map(({ wait }) => wait)),
    ...(session ? [session.wait] : []),
    // Its key is replaced then.
    ...(isUnwanted(memory) ? [waitFor('roll', memory, c)] : []),
  ].filter((wait) => wait > 0);
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
