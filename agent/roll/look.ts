import type { Candidate } from './candidate.ts';
import { hasLeaf, keyOf, mayBeTrusted } from './candidate.ts';
import type { KeyRef } from './leaf.ts';
import type { Phase } from './phase.ts';
import type { Of, RollEffect, RollEvent, RollState } from './state.ts';
import { drawOf, type Terms } from './terms.ts';

// Questions about a state. They change nothing: rules and moves ask them alike.

/** The slot that the current leaf does not use. With a key that was given to us, `a` is free. */
export function freeSlot({ current }: Pick<RollState, 'current'>): 'a' | 'b' {
  return current?.key.slot === 'a' ? 'b' : 'a';
}

/** A leaf can be renewed with its own key: then there is no second key that could be destroyed. */
export function keepsKey({ current }: RollState, { id }: KeyRef): boolean {
  return id === current?.key.id;
}

/** The key of the pending CSR is not in use: another may take its place. */
export function hasSpareKey(state: RollState): boolean {
  const { request, next } = state;
  if (request !== undefined || next === undefined || hasLeaf(next)) return false;
  return !mayBeTrusted(next) && !keepsKey(state, keyOf(next));
}

/** Whether a person is to bring the leaf of the next key. Where the issuer needs no person, the next roll brings its own. */
export const waitsForPerson = (next: Candidate | undefined, { automatic }: Pick<Terms, 'automatic'>): boolean =>
  !automatic && next !== undefined && !hasLeaf(next) && next.for !== 'roll';

/**
 * What a person has delivered never outranks an issuer that needs none, once there is no leaf that is young enough: it may be
 * of another CA, which DPS will never accept.
 */
export function isOutranked({ next }: Pick<RollState, 'next'>, { automatic }: Pick<Terms, 'automatic'>): boolean {
  return automatic && next?.is === 'parked' && next.from !== 'issuer';
}

/** The token does not have the key of the current leaf. */
export const lacksKey = ({ sessionTrouble }: Pick<RollState, 'sessionTrouble'>): boolean =>
  sessionTrouble?.failure.code === 'NL-TOKEN-KEY';

/** Whether the current leaf may be registered again: DPS and hub refuse one that has expired. */
export const canGoBack = ({ current }: Pick<RollState, 'current'>, { at }: Pick<RollEvent, 'at'>): boolean =>
  current !== undefined && current.notAfter > at;

/** The CKA_IDs that the records name: every other key in our places is a stranger's. */
export const knownIds = ({
  current,
  next,
  retire = [],
}: Partial<Pick<RollState, 'current' | 'next' | 'retire'>>): string[] =>
  [current?.key.id, next && keyOf(next).id, ...retire.map(({ id }) => id)].filter((id) => id !== undefined);

/** No session comes from the current leaf: the hub refuses it, or DPS has never assigned it to one. */
export const isBarred = ({ current, rejected, assignment }: Pick<RollState, 'current' | 'rejected' | 'assignment'>) =>
  current !== undefined && (rejected || assignment === undefined);

/** Time that is left of the current leaf, in milliseconds; without a leaf a pause costs nothing. */
export function remaining({ current }: RollState, at: number): number {
  return current === undefined || current.notAfter <= at ? Number.POSITIVE_INFINITY : current.notAfter - at;
}

/** Work that waits for the token or for an issuer, perhaps for days: signals about the current leaf are answered in between. */
export const WAITING: ReadonlySet<Phase> = new Set<Phase>(['generating-key', 'requesting-leaf']);

/**
 * A request that gets no answer, and may get none for days: from its issuer, or from a hub that cannot be reached. The
 * operator may have to change the hub meanwhile. A refusal is an answer, and has a ladder of its own.
 */
export function isStuck(state: RollState): boolean {
  const { phase, workTrouble, sessionTrouble } = state;
  const waits = WAITING.has(phase) || phase === 'connecting-next';
  const met = waits ? workTrouble : lacksHub(state) ? sessionTrouble : undefined;
  return met !== undefined && met.failure.kind !== 'refused';
}

/** A re-registration whose DPS part is done, and that waits for its hub; a session with another one may be open. */
const lacksHub = ({ phase, request }: RollState): boolean => phase === 'serving' && request?.action === 're-register';

export const REGISTERING: ReadonlySet<Phase> = new Set<Phase>(['registering', 'registering-next', 'abandoning']);

/** A registration that DPS does not answer, or that the token cannot sign: a technician may have another way. */
export function getsNoRegistration({ phase, workTrouble, unheard = 0 }: RollState): boolean {
  return REGISTERING.has(phase) && (unheard > 0 || workTrouble?.failure.kind === 'broken');
}

/** The ladder of the connection comes to a minute with its sixth rung: 20 attempts are a quarter of an hour. */
export const PATIENCE = 20;
/** A fleet that lost its hub in one moment is spread over another quarter of an hour. */
const SPREAD_ATTEMPTS = 15;
/** An hour of attempts: operators move gateways away from a hub hours after it went down. */
export const AGAIN = 60;

/**
 * Whether to ask DPS after so many attempts in a row without an answer of a hub: it may have another hub for us. Counted
 * instead of timed, because the clock of a gateway without a network is the least reliable.
 * @param serial of the leaf: its digits spread the moment over a fleet
 */
export function isWorthAsking(unreached: number, serial: string): boolean {
  const first = PATIENCE + Math.floor(SPREAD_ATTEMPTS * drawOf(serial));
  return unreached >= first && (unreached - first) % AGAIN === 0;
}

/**
 * Whether the key of the current leaf is lost: read in vain for a quarter of an hour, or once where hub or DPS refuse the leaf
 * anyway, or the key of the candidate is lost as well.
 */
export function isKeyLost(state: RollState, effect: RollEffect): boolean {
  const { keyless = 0, online, next } = state;
  if (effect.kind !== 'register') return keyless + 1 >= PATIENCE;
  return online === undefined && (isBarred(state) || next?.is === 'unwanted');
}

type Connect = Extract<RollEffect, { kind: 'connect' }>;

/** A connection that the phase depends on got no answer. Returns its effect, undefined for other failures. */
export function unanswered(state: RollState, { effect, failure }: Of<'failed'>): Connect | undefined {
  if (effect.kind !== 'connect' || failure.kind !== 'transient') return undefined;
  const leaf = state.next?.is === 'assigned' ? state.next.leaf : state.current;
  return leaf?.thumbprint === effect.leaf.thumbprint ? effect : undefined;
}
