import { hasLeaf, isHeardOf, madeKeyOf } from '../roll/candidate.ts';
import type { KeyRef, Leaf } from '../roll/leaf.ts';
import type { RollEffect } from '../roll/state.ts';
import type { Entry } from '../state/entry.ts';

/**
 * Whether an effect may be tried while the disk, which accepts no writes, holds no more than this: a process that starts from
 * there after a power cut must still know every key, and every leaf that DPS may trust. So the current leaf is always
 * registered and connected; but a key or candidate is made, sent or destroyed only if the disk knows it as such.
 */
export function isIntended(effect: RollEffect, disk: Entry | undefined): boolean {
  switch (effect.kind) {
    case 'register':
    case 'connect':
      return isKnown(effect.leaf, disk);
    case 'generate-key':
      return disk?.next?.is === 'key-wanted' && disk.next.id === effect.id;
    case 'request-leaf':
      return disk?.next?.is === 'key-made' && disk.next.key.id === effect.key.id;
    case 'destroy-key':
      return isGivenUp(effect.key, disk);
  }
}

function isKnown(leaf: Leaf, disk: Entry | undefined): boolean {
  // The token brought it, and brings it again at the next start.
  if (disk?.current === undefined && leaf.key.slot === 'given') return true;
  if (leaf.thumbprint === disk?.current?.thumbprint) return true;
  const next = disk?.next;
  return hasLeaf(next) && isHeardOf(next) && leaf.thumbprint === next.leaf.thumbprint;
}

function isGivenUp({ id }: KeyRef, disk: Entry | undefined): boolean {
  return (
    disk?.retire.some((one) => one.id === id) === true && disk.current?.key.id !== id && madeKeyOf(disk.next)?.id !== id
  );
}

/** A server was seen so much later than the disk says, in ms: sessions that end each minute must not wear out the flash. */
const SEEN_MS = 3_600_000;

/** Whether the disk lacks a fact that must outlive a power cut. */
export function differs(state: Entry, disk: Entry): boolean {
  if (Math.abs((state.lastSeen ?? 0) - (disk.lastSeen ?? 0)) >= SEEN_MS) return true;
  const fields = new Set([...Object.keys(state), ...Object.keys(disk)] as (keyof Entry)[]);
  return [...fields].some((field) => !NO_INTENT.has(field) && !isSame(field, state[field], disk[field]));
}

/** Not intent: an outage changes them from minute to minute. */
const NO_INTENT: ReadonlySet<keyof Entry> = new Set<keyof Entry>(['workTrouble', 'sessionTrouble', 'lastSeen']);

/** Most fields are the same object as before, and need no comparison. */
function isSame(field: keyof Entry, one: unknown, other: unknown): boolean {
  if (one === other) return true;
  // A count of refusals may begin anew, but the disk must know that there is one.
  if (field === 'grace') return one !== undefined && other !== undefined;
  return JSON.stringify(one) === JSON.stringify(other);
}
