import type { Code } from '../../failure/failure.ts';
import { GRACE_REFUSALS } from '../backoff.ts';
import type { Leaf } from '../leaf.ts';
import type { Reason } from '../state.ts';
import { drawOf, isDue } from '../terms.ts';
import {
  type Answer,
  type Circumstances,
  isKeyless,
  isNewer,
  leafOf,
  type Memory,
  type Question,
  type Who,
} from './memory.ts';
import { isServed } from './record.ts';

// Questions to the memory that more than one row asks.

/** The ladder of the connection comes to a minute with its sixth rung: 20 attempts are a quarter of an hour. */
const PATIENCE = 20;
/** A fleet that lost its hub in one moment is spread over another quarter of an hour. */
const SPREAD_ATTEMPTS = 15;
/** An hour of attempts: operators move gateways away from a hub hours after it went down. */
const AGAIN = 60;
/** A token that fails so often to sign says nothing of the hub. */
const UNSIGNED_TIMES = 3;

export const isOnline = ({ online }: Memory): boolean => online !== undefined;

/** DPS has accepted the leaf, and no hub has honoured that yet. Where another went out since, DPS may trust that one. */
export function isAccepted(memory: Memory, who: Who): boolean {
  if (memory.answers[`register ${who}`]?.verdict !== 'accepted') return false;
  const { thumbprint } = leafOf(memory, who) ?? {};
  return memory.trusts.every((one) => one.thumbprint === thumbprint);
}

/** The last word of DPS about the leaf was no. */
export const isDenied = ({ answers }: Memory, who: Who): boolean => answers[`register ${who}`]?.verdict === 'refused';

/** The hub refuses the leaf for good: at the tenth time while DPS trusts this leaf alone, as it may lag DPS; at once where another was registered since. */
export function isRejected(memory: Memory, who: Who): boolean {
  const told = memory.answers[`connect ${who}`];
  if (who === 'next' && isDropped(memory)) return true;
  return told?.verdict === 'refused' && told.times >= (isAccepted(memory, who) ? GRACE_REFUSALS : 1);
}

/** Codes of a connection that the hub has accepted: it has ended the session of the current leaf for that. */
const TAKEN: ReadonlySet<Code> = new Set<Code>(['NL-HUB-LOST', 'NL-HUB-TWIN']);
/** So often a candidate may cost that session. */
const DROPPED_TIMES = 3;

/** The hub takes the candidate, and drops it: the current leaf that is valid goes before it. */
function isDropped(memory: Memory): boolean {
  const { current, answers } = memory;
  if (isBarred(memory) && isDenied(memory, 'current')) return false;
  const told = answers['connect next'];
  if (told?.failure === undefined || current === undefined || current.notAfter <= told.at) return false;
  return told.verdict === 'silent' && told.times >= DROPPED_TIMES && TAKEN.has(told.failure.code);
}

/** No hub answers the leaf for so long that DPS may have another hub for it. Counted, as a clock without a network is unreliable. */
export function isUnheard(memory: Memory, who: Who): boolean {
  const told = memory.answers[`connect ${who}`];
  const leaf = leafOf(memory, who);
  // A candidate for which the token does not sign makes way; the key of the current leaf has a question of its own.
  if (who === 'next' && told?.verdict === 'broken') return told.times >= UNSIGNED_TIMES;
  if (leaf === undefined || told?.verdict !== 'silent') return false;
  // The current leaf was registered because of this silence, and a candidate once before its hub was asked at all.
  const before = who === 'current' ? 1 : 2;
  const isKnown = isAccepted(memory, who) && (memory.answers[`register ${who}`]?.times ?? 0) >= before;
  return told.times >= (isKnown ? AGAIN : patienceOf(leaf));
}

const patienceOf = ({ serial }: Leaf): number => PATIENCE + Math.floor(SPREAD_ATTEMPTS * drawOf(serial));

/** The current leaf may be registered: DPS and hub refuse one that has expired. */
export const isValid = ({ current }: Memory, { now }: Pick<Circumstances, 'now'>): boolean =>
  current !== undefined && current.notAfter > now;

/** No session comes from the current leaf: the hub refuses it, or DPS has never assigned it to one. */
export const isBarred = (memory: Memory): boolean =>
  memory.current !== undefined && (isRejected(memory, 'current') || memory.at.current === undefined);

/** The token does not sign with the key of the current leaf, for a quarter of an hour; or once, where that is no accident, or nothing else is left. */
export function isKeyLost(memory: Memory): boolean {
  const { sign, 'register current': told } = memory.answers;
  if (memory.current === undefined || sign === undefined) return false;
  if (sign.lasting || sign.times >= PATIENCE) return true;
  return isUnsigned(told) && !isOnline(memory) && (isBarred(memory) || isUnwanted(memory));
}

/** So many failed reads, which take a quarter of an hour or more, are no accident; three without a session that proves the token. */
const SURE_TIMES = 2;

/** Neither a session nor a registration comes from the current leaf. */
export function isUseless(memory: Memory, c: Circumstances): boolean {
  if (!isValid(memory, c) || isKeyLost(memory) || (isBarred(memory) && !isOnline(memory))) return true;
  const { 'register current': told } = memory.answers;
  return isUnsigned(told) && (told?.times ?? 0) >= SURE_TIMES;
}

/** DPS may trust a leaf of this old key, which newleaf has no more: the key stays where the current leaf can take over that trust. */
export const isGuarded = (memory: Memory, c: Circumstances, id: string): boolean =>
  memory.trusts.some(({ keyId }) => keyId === id) && !isUseless(memory, c);

/** A key for which the token signs nothing in so many attempts, which take some minutes, is damaged; fewer where each is minutes apart. */
const DAMAGED_TIMES = 6;
export const SAME_FORM = 3;
/** A token that signs with none of so many keys hardly signs with the next: the candidate keeps its ladder, and flash is spared. */
const KEYS_IN_VAIN = 4;

/** A token that is not there, or refuses its PIN, signs with no other key either. */
export const isDamaged = ({ verdict, failure, lasting, times }: Answer, atLeast = DAMAGED_TIMES): boolean =>
  verdict === 'broken' && failure?.code === 'NL-TOKEN-FAILED' && times >= (lasting ? SAME_FORM : atLeast);

/** The token signed nothing with the key when DPS was to be asked: it is not there, or damaged. */
const isUnsigned = (told: Answer | undefined): boolean => told !== undefined && (isKeyless(told) || isDamaged(told));

/** What was met where the token does not sign with the key of the candidate. */
export function lossOfNext({ answers, next, current }: Memory): Answer | undefined {
  const { 'register next': register, 'connect next': connect, roll } = answers;
  const gone = [register, connect].find(isKeyless);
  // Where Azure issues the leaves, DPS is asked with another key: it accepts a leaf whose key signs nothing, and a hub alone shows it.
  const isAcceptedInVain = register?.verdict === 'accepted' && register.times >= SAME_FORM;
  const [told, atLeast] = isAcceptedInVain ? [connect, UNSIGNED_TIMES] : [register, DAMAGED_TIMES];
  const isUnfit = told !== undefined && isDamaged(told, atLeast);
  // The current key was none of those. A hub is asked so often that a token which is pulled for a minute would count.
  const isOther = next?.key.id !== current?.key.id;
  const isInVain = isOther && (roll?.times ?? 0) >= KEYS_IN_VAIN && (register?.times ?? 0) < 2 * DAMAGED_TIMES;
  return gone ?? (isUnfit && !isInVain ? told : undefined);
}

/** The token does not sign with the key of the candidate: it is not there, or damaged. */
export function isNextLost(memory: Memory): boolean {
  const { next, current, ask } = memory;
  const told = next?.leaf && lossOfNext(memory);
  if (told === undefined) return false;
  const sure = current === undefined || isOnline(memory) ? SURE_TIMES : SURE_TIMES + 1;
  const isAdvised = ask?.request.from === 'technician' && ask.request.action === 'roll';
  return told.times >= (isAdvised ? 1 : sure);
}

/**
 * The other slot is free for the next key: that of the current leaf is lost, or was there before newleaf. Without a current leaf a
 * key in the slot may be that of a leaf whose records are lost: a person looks at it.
 */
export function hasOtherPlace({ next, current, answers }: Memory): boolean {
  if (next === undefined || current === undefined) return false;
  // Each rung looks at both places.
  if ((answers.make?.times ?? 0) % 2 === 0) return false;
  const isTaken = current.key.slot === (next.key.slot === 'a' ? 'b' : 'a');
  return !isTaken || isKeyless(answers.sign);
}

/** It makes room as soon as DPS trusts the current leaf again. */
export function isUnwanted(memory: Memory): boolean {
  const { next } = memory;
  if (next?.leaf === undefined) return false;
  return next.isDiscarded === true || isNextLost(memory);
}

/** The current leaf cannot take the place of the candidate. */
export function hasNoWayBack(memory: Memory, c: Circumstances): boolean {
  const { current, next, answers } = memory;
  const { 'register current': told } = answers;
  // Both leaves have one key, where keys are kept.
  const isOneKey = next?.key.id === current?.key.id && isNextLost(memory);
  if (!isValid(memory, c) || isOneKey || isKeyLost(memory)) return true;
  return isUnsigned(told) || (isDenied(memory, 'current') && isAfter(memory, 'current', 'next'));
}

/** Whether DPS was asked about the one leaf after it was asked about the other. */
export function isAfter({ answers }: Memory, who: Who, other: Who): boolean {
  const [one, two] = [answers[`register ${who}`], answers[`register ${other}`]];
  return one !== undefined && (two === undefined || isNewer(one, two));
}

/** DPS may trust the candidate, or an earlier leaf of its key. */
export const isTrusted = ({ trusts, next, current }: Memory): boolean =>
  next !== undefined &&
  trusts.some(({ keyId, thumbprint }) => keyId === next.key.id && thumbprint !== current?.thumbprint);

/** The candidate is with the hub. */
export const isProving = (memory: Memory): boolean =>
  memory.next?.leaf !== undefined && memory.at.next !== undefined && !isRejected(memory, 'next') && !isUnwanted(memory);

/** The hub has its time for the leaf that DPS has accepted last: it has neither refused it for good, nor been silent for long. */
export function hasItsTime(memory: Memory, who: Who): boolean {
  const told = memory.answers[`connect ${who}`];
  if (!isAccepted(memory, who) || memory.at[who] === undefined) return false;
  if (told?.verdict === 'broken' && told.times >= UNSIGNED_TIMES) return false;
  const leaf = leafOf(memory, who);
  const isTried = leaf !== undefined && told?.verdict === 'silent' && told.times >= patienceOf(leaf);
  return !isRejected(memory, who) && !isTried;
}

/** Refusals that a new leaf may cure. A disabled enrollment refuses every leaf. */
const LEAF_AT_FAULT: ReadonlySet<Code> = new Set<Code>(['NL-DPS-401002', 'NL-DPS-404201', 'NL-DPS-REJECTED']);

/** Why another leaf is wanted, the most urgent reason first; undefined where none is. */
export function wish(memory: Memory, c: Circumstances): Reason | undefined {
  const { ask, next, current, answers } = memory;
  const { terms, now } = c;
  if (terms.attestation === 'tpm') return undefined;
  if (ask?.request.action === 'roll') return ask.request.reason;
  if (next?.because !== undefined) return next.because;
  if (!terms.automatic) return undefined;
  if (current === undefined) return 'provisioning';
  if (isDue(memory, terms, now)) return 'due';
  if (isKeyLost(memory)) return 'key-lost';
  if (isServed(memory)) return undefined;
  const denied = answers['register current'];
  const isAtFault =
    denied?.verdict === 'refused' && denied.failure !== undefined && LEAF_AT_FAULT.has(denied.failure.code);
  if (terms.trust === 'leaf') return isAtFault && !isOnline(memory) ? 'dps-refused' : undefined;
  return isRejected(memory, 'current') && (isAccepted(memory, 'current') || memory.at.current === undefined)
    ? 'rejected'
    : undefined;
}

/** The key that was named is to be made. */
export const wantsKey = (memory: Memory, c: Circumstances): boolean =>
  memory.next?.isForPerson === true || (memory.next?.because !== undefined && wish(memory, c) !== undefined);

/** The question for a key that has served, and holds the place of the next one. */
export function inPlace({ next, old }: Memory): Question | undefined {
  if (next === undefined || next.isMade) return undefined;
  const one = old.find(({ slot, id }) => slot === next.key.slot && id !== next.key.id);
  return one && `destroy ${one.id}`;
}
