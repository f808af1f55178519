import type { Failure } from '../../failure/failure.ts';
import type { Source } from '../candidate.ts';
import type { Assignment, KeyRef, Leaf } from '../leaf.ts';
import type { Alarm, Outcome, Poisoned, Reason, Request, RollEffect, Transition } from '../state.ts';
import type { Terms } from '../terms.ts';

/** Which leaf a question is about. */
export type Who = 'current' | 'next';

/**
 * What newleaf asks of the outside, and what it finds out by that. `dps`: whether DPS answers at all, about whichever leaf ·
 * `roll`: whether new leaves come to something · `sign`: whether the token signs with the key of the current leaf.
 */
export type Question =
  | `${'register' | 'connect'} ${Who}`
  | 'dps'
  | 'make'
  | 'issue'
  | 'roll'
  | 'sign'
  | `destroy ${string}`;

/** The last answer to a question. Accepted, of a registration: the hub has not honoured it yet. */
export interface Answer {
  readonly verdict: 'accepted' | 'refused' | 'silent' | 'broken';
  readonly failure?: Failure;
  /** How often in a row. */
  readonly times: number;
  /** The same, however it came to nothing: a token that fails in between does not begin the ladder of a far side anew. */
  readonly tries?: number;
  /** Wall clock, milliseconds. */
  readonly at: number;
  /** Monotonic clock of this process, milliseconds; absent where another process has asked. */
  readonly up?: number;
  /** In [0, 1): spreads the next attempt. */
  readonly draw: number;
  /** It is asked again at once: a person, or a clock that was set, is a reason. */
  readonly again?: true;
  /** No new process heals it. */
  readonly lasting?: true;
}

/** The generation that is to become current, as far as it has come: a name for its key, the key, the leaf. */
export interface Generation {
  /** Written before the key is made, so that no unknown key is left after a power cut. */
  readonly key: KeyRef;
  readonly isMade?: true;
  readonly leaf?: Leaf;
  readonly from?: Source;
  /** Why newleaf wants it to become current; a spare key has none. */
  readonly because?: Reason;
  /** A person has asked for its CSR, and brings the leaf. */
  readonly isForPerson?: true;
  /** The issuer demanded another key, or the first was lost: it gets no third one so soon. */
  readonly isSecond?: true;
  /** A person does not want it. */
  readonly isDiscarded?: true;
}

/** A key that is to be destroyed. */
export interface Old extends KeyRef {
  /** Not before another leaf is proven, or the next start. */
  readonly isRemembered?: true;
}

/** A leaf that DPS may trust, whatever it has answered. */
export interface Trusted {
  readonly thumbprint: string;
  readonly keyId: string;
  /** DPS has heard of it in the attempt that is in flight, and never before. */
  readonly isNew?: true;
}

/** The request that is in flight. */
export interface Asked {
  readonly request: Request;
  /** Monotonic clock of this process when it began, milliseconds; absent where another process has begun it. */
  readonly up?: number;
  /** DPS has accepted a leaf since. */
  readonly isAccepted?: true;
  /** Questions that were answered since a technician asked, also in vain: the pauses of the others are not waited for. */
  readonly heard?: readonly Question[];
}

/** Facts alone: nothing in here says what is to be done. */
export interface Memory {
  readonly current?: Leaf;
  readonly next?: Generation;
  readonly old: readonly Old[];
  readonly at: { readonly current?: Assignment; readonly next?: Assignment };
  readonly trusts: readonly Trusted[];
  readonly answers: { readonly [Q in Question]?: Answer };
  readonly ask?: Asked;
  readonly scheduled?: Request & { readonly startAt: number };
  readonly outcomes: readonly Outcome[];
  /** ID scope, registration ID and endpoint of the last registration. */
  readonly registered?: string;
  readonly budget: { readonly left: number; readonly at: number };
  readonly lastRollAt?: number;
  readonly lastSeen?: number;
  readonly alarm?: Alarm;
  readonly poisoned?: readonly Poisoned[];
  readonly trail: readonly Transition[];
  /** The open session: `thumbprint@place`. Of this process, as what follows. */
  readonly online?: string;
  /** Sessions in a row that ended within a minute. */
  readonly flaps: number;
  /** The last end of a session that calls for a pause. */
  readonly end?: { readonly failure: Failure; readonly at: number; readonly up: number };
  /** What was out when it was asked for anew: the answer is one to what was sent before. */
  readonly late?: readonly Question[];
  /** Attempts without a pause, by kind of effect. */
  readonly spent?: Partial<Record<RollEffect['kind'], { readonly left: number; readonly up: number }>>;
}

/** What is in flight: it has gone out, and is not answered. */
export interface Flying {
  readonly work?: RollEffect | undefined;
  readonly session?: RollEffect | undefined;
}

export interface Circumstances {
  /** Wall clock, milliseconds. */
  readonly now: number;
  /** Monotonic clock, milliseconds. */
  readonly up: number;
  /** Of this process, in milliseconds. */
  readonly age: number;
  /** In [0, 1). */
  readonly draw: number;
  readonly terms: Terms;
  readonly flying: Flying;
}

export const blank: Memory = {
  old: [],
  at: {},
  trusts: [],
  answers: {},
  outcomes: [],
  budget: { left: 0, at: 0 },
  trail: [],
  flaps: 0,
};

/** Without these fields: with exactOptionalPropertyTypes absent and undefined are different. */
export function without<T extends object, K extends keyof T>(from: T, ...fields: readonly K[]): Omit<T, K> {
  const rest = { ...from };
  for (const field of fields) delete rest[field];
  return rest;
}

export const forget = (memory: Memory, ...questions: readonly Question[]): Memory => ({
  ...memory,
  answers: without(memory.answers, ...questions),
});

/** In milliseconds since the answer. Another process had it before this one began, whatever a clock says that has been set back since. */
export const ageOf = (
  answer: Pick<Answer, 'at' | 'up'>,
  { now, up, age }: Pick<Circumstances, 'now' | 'up' | 'age'>,
) => (answer.up === undefined ? Math.max(now - answer.at, age) : up - answer.up);

/** Whether it came after the other: what this process has heard came after all that another has, whatever the wall clock says. */
export const isNewer = (one: Pick<Answer, 'at' | 'up'>, other: Pick<Answer, 'at' | 'up'>): boolean =>
  one.up === undefined || other.up === undefined
    ? one.up !== undefined || (other.up === undefined && one.at > other.at)
    : one.up > other.up;

/** The token has no such key, or shows none that signs. */
export const isKeyless = (answer: Pick<Answer, 'failure'> | undefined): boolean =>
  answer?.failure?.code === 'NL-TOKEN-KEY';

/** Whether the answer came since the request, also where the wall clock was set meanwhile; one that is asked for again at once is none. */
export const isSince = (answer: Answer, { request: { at }, up }: Asked): boolean =>
  answer.again !== true && !isNewer({ at, ...(up !== undefined && { up }) }, answer);

export const leafOf = ({ current, next }: Memory, who: Who): Leaf | undefined =>
  who === 'current' ? current : next?.leaf;

/** Whom an effect with this leaf is about. */
export function whoIs({ current, next }: Memory, thumbprint: string): Who | undefined {
  if (next?.leaf?.thumbprint === thumbprint) return 'next';
  return current?.thumbprint === thumbprint ? 'current' : undefined;
}

/** The question that an effect asks; undefined where what it is about is gone. */
export function questionOf(memory: Memory, effect: RollEffect): Question | undefined {
  const { next } = memory;
  switch (effect.kind) {
    case 'generate-key':
      return next?.key.id === effect.id ? 'make' : undefined;
    case 'request-leaf':
      // The CSR of a person is no question to the issuer.
      return next?.key.id === effect.key.id && next.leaf === undefined && next.because !== undefined
        ? 'issue'
        : undefined;
    case 'destroy-key':
      return `destroy ${effect.key.id}`;
    default: {
      const who = whoIs(memory, effect.leaf.thumbprint);
      return who && `${effect.kind} ${who}`;
    }
  }
}
