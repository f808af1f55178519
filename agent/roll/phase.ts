import type { KeyRef } from './leaf.ts';

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
 * A view: it is read from the memory and from the row that is waited for (core/view.ts), and nowhere stored.
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

/**
 * A key that is to be destroyed: now · left alone, as the token did not do it, until a day later, the next start, or until its
 * slot is needed · not before another leaf is proven, or the next start.
 */
export type Retired = KeyRef & { readonly is: 'pending' | 'undestroyed' | 'remembered' };
