import { randomBytes } from 'node:crypto';
import type { Failure } from '../failure/failure.ts';
import type { Candidate, Parked } from '../roll/candidate.ts';
import type { Assignment, KeyRef, Leaf, Slot } from '../roll/leaf.ts';
import { freeSlot } from '../roll/look.ts';
import { RETIRE_TRIES } from '../roll/phase.ts';
import type { RollState } from '../roll/state.ts';

/** The candidate of format 1, which newleaf wrote before 2026-11-29: which fields go together was said nowhere. */
interface Next {
  readonly slot: Slot;
  readonly id?: string;
  readonly intended?: string;
  readonly leaf?: Leaf;
  readonly assignment?: Assignment;
  readonly sent: boolean;
  readonly waitsFor?: 'delivery' | 'roll';
  readonly renewed?: true;
  readonly parked?: { readonly failure: Failure; readonly times: number; readonly askAt: number };
  readonly denied?: true;
  readonly unwanted?: true;
  readonly refusals?: number;
}

type Entry1 = Omit<RollState, 'retire' | 'next' | 'ask' | 'stranded' | 'workTrouble' | 'sessionTrouble'> & {
  readonly next?: Next;
  readonly retire?: KeyRef;
  readonly trouble?: Failure;
};

/** An entry of format 1 in the form of today. It is not checked yet. */
export function upgraded(entry: unknown): unknown {
  if (typeof entry !== 'object' || entry === null || !('phase' in entry)) return entry;
  // What is no entry of that format is refused by the check that follows.
  const { next: before, trouble, retire, ...others } = entry as Entry1;
  const isRoll = others.request?.action === 'roll';
  const next = candidateOf(before ?? (isRoll ? { slot: freeSlot(others), sent: false } : undefined), others);
  const makesCsr = next?.is === 'key-wanted' && next.for === 'delivery' && others.request === undefined;
  const isWaiting = others.phase === 'generating-key' || others.phase === 'retiring-key';
  const isStranded = others.phase === 'stranded' || (makesCsr && isWaiting && others.probe !== undefined);
  return {
    ...others,
    retire: retire === undefined ? [] : [retire],
    ...(next && { next }),
    ...(others.phase === 'registering' && { ask: true }),
    ...(isStranded && { stranded: true }),
    ...(trouble && { workTrouble: { failure: trouble, at: others.trail[0]?.at ?? 0 } }),
  };
}

/** A key that is to be destroyed, as it was written before it had a name for each state: 5 was "given up", and "not yet". */
type Before = KeyRef & { readonly is?: unknown; readonly tries: number };

/** The keys that are to be destroyed in the form of today. Of the two meanings the one that destroys nothing is taken. */
export function withRetired(entry: unknown): unknown {
  const { retire } = (entry ?? {}) as { retire?: readonly Before[] };
  if (!Array.isArray(retire)) return entry;
  const today = ({ slot, id, tries }: Before) =>
    tries >= RETIRE_TRIES ? { slot, id, is: 'remembered' } : { slot, id, is: 'pending', tries };
  return { ...(entry as object), retire: retire.map((one) => (one.is === undefined ? today(one) : one)) };
}

function candidateOf(next: Next | undefined, others: Omit<Entry1, 'next' | 'retire'>): Candidate | undefined {
  if (next === undefined) return undefined;
  const { phase, request } = others;
  const { slot, id, intended, leaf, parked, refusals = 0 } = next;
  const tries = parked?.times ?? refusals;
  if (leaf !== undefined) return withLeaf(next, leaf, others, tries);
  const isInWork =
    phase === 'generating-key' || phase === 'requesting-leaf' || request?.action === 'roll' || next.waitsFor;
  const met = parked && { failure: parked.failure, askAt: parked.askAt };
  const rest = met === undefined ? {} : isInWork ? { last: met.failure } : { rest: met };
  const purpose = request?.action === 'roll' ? 'roll' : next.waitsFor === 'roll' ? 'spare' : (next.waitsFor ?? 'roll');
  const second = next.renewed === true ? { isSecond: true as const } : {};
  const alone = { for: purpose, tries, ...second, ...rest } as const;
  if (id !== undefined)
    return { is: 'key-made', key: { slot, id }, ...(next.sent && { isKeyTrusted: true }), ...alone };
  if (slot === 'given') return undefined;
  // It was to get its CKA_ID when its slot was free.
  return { is: 'key-wanted', slot, id: intended ?? randomBytes(16).toString('hex'), ...alone };
}

function withLeaf(
  next: Next,
  leaf: Leaf,
  { phase, request }: Omit<Entry1, 'next' | 'retire'>,
  tries: number,
): Candidate {
  const { parked, assignment } = next;
  const issued = { leaf, from: 'issuer', tries } as const;
  const isResumed = phase === 'retiring-key' && request?.action === 'roll';
  if (phase === 'registering-next' || isResumed)
    return { is: 'sent', ...issued, ...(parked && { last: parked.failure }) };
  if (phase === 'connecting-next' && assignment !== undefined) return { is: 'assigned', ...issued, assignment };
  if (parked === undefined) return { is: 'sent', ...issued };
  const rest = { failure: parked.failure, askAt: parked.askAt };
  const isLost = parked.failure.code === 'NL-TOKEN-KEY';
  if (phase === 'abandoning') {
    const because = next.unwanted !== true ? 'refused' : isLost ? 'key-lost' : 'discarded';
    return { is: 'unwanted', ...issued, rest, because };
  }
  const trust: Parked['trust'] = !next.sent ? 'none' : next.denied === true ? 'refused' : 'possible';
  return { is: 'parked', ...issued, rest, trust };
}
