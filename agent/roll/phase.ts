import type { Candidate, KeyWanted } from './candidate.ts';
import type { KeyRef, Leaf } from './leaf.ts';

/**
 *              ┌──────────────── current ────────────────┐      ┌───────────── next ─────────────┐
 *   token      │ newleaf-a: key, proven                  │      │ newleaf-b: key, to be proven   │
 *   DPS, hub   │ thumbprint pinned by the last register  │  →   │ registers, connects, is proven │
 *              └── untouched until next is proven ───────┘      └── then it becomes current ─────┘
 *
 *   unprovisioned → generating-key → requesting-leaf → registering-next → connecting-next → retiring-key → serving
 *   serving → registering → serving                      (re-register: same leaf, any hub that DPS assigns)
 *   registering-next ─ refused → serving                 (parked: the candidate waits for its enrollment)
 *   registering-next, connecting-next ─ no answer, and the current leaf is refused → registering   (parked as well)
 *   connecting-next ─ refused → abandoning → retiring-key → serving
 *   registering ─ refused, and no way left → stranded    (slow probe, any signal leaves it)
 *
 * README.md in this folder has the grid: which phase follows from which event (made from the tests).
 */
export const PHASES = [
  'unprovisioned',
  'serving',
  'registering',
  'generating-key',
  'requesting-leaf',
  'registering-next',
  'connecting-next',
  'retiring-key',
  'abandoning',
  'stranded',
] as const;
export type Phase = (typeof PHASES)[number];

/** Without work in flight. */
export const RESTING: ReadonlySet<Phase> = new Set<Phase>(['unprovisioned', 'serving', 'stranded']);

/** A key that the token does not destroy is left alone after so many attempts: a key that has served never serves again. */
export const RETIRE_TRIES = 5;

/** A key that is to be destroyed. */
export type Retired = KeyRef &
  (
    | /** Now. Tries: attempts that came to nothing. */ { readonly is: 'pending'; readonly tries: number }
    /** The token did not do it: once more at `againAt` (wall clock, milliseconds), at the next start, or when its slot is needed. */
    | { readonly is: 'undestroyed'; readonly againAt: number }
    /** Not before another leaf is proven, or the next start. */
    | { readonly is: 'remembered' }
  );

/** Of RollState (state.ts). */
interface Facts {
  readonly current?: Leaf;
  readonly next?: Candidate;
  readonly ask?: true;
  readonly stranded?: true;
  readonly retire?: readonly Retired[];
}

/** Which work comes first: that of a leaf with DPS or hub, then the token's, then the issuer's. */
export function phaseOf(state: Facts): Phase {
  const { current, next, ask, stranded } = state;
  if (next?.is === 'sent') return 'registering-next';
  if (next?.is === 'assigned') return 'connecting-next';
  if (next?.is === 'unwanted') return 'abandoning';
  if (ask) return 'registering';
  const isInWork = isKeyInWork(state);
  if (stranded && !isInWork) return 'stranded';
  if (retiringOf(state) !== undefined) return 'retiring-key';
  if (isInWork) return next?.is === 'key-made' ? 'requesting-leaf' : 'generating-key';
  return current === undefined ? 'unprovisioned' : 'serving';
}

/** A key that is made, or whose leaf is asked of the issuer: no key is made for a roll that was given up. */
function isKeyInWork({ next }: Facts): boolean {
  if (next === undefined || 'leaf' in next) return false;
  return next.for === 'roll' ? next.rest === undefined : next.for === 'delivery' && next.is === 'key-wanted';
}

/** The candidate whose key is to be made now. */
export const wantedNow = ({ next }: Facts): KeyWanted | undefined =>
  next?.is === 'key-wanted' && isKeyInWork({ next }) ? next : undefined;

/** The key that is destroyed now: its slot is needed, or it is new on the list. */
export function retiringOf(state: Facts): Retired | undefined {
  const { retire = [] } = state;
  const needed = wantedNow(state)?.slot;
  return retire.find(({ slot }) => slot === needed) ?? retire.find(({ is }) => is === 'pending');
}
