import { freshId } from '../intended.ts';
import type { KeyRef } from '../leaf.ts';
import { isTrusted, isUseless } from './knots.ts';
import { type Circumstances, forget, type Generation, type Memory, type Old, without } from './memory.ts';
import { answered } from './record.ts';

// What may become of the generation that is next, and of its key.

/** A key that newleaf made, or may make again by its ID. */
export const isMine = ({ current }: Memory, { slot, id }: KeyRef): boolean =>
  slot !== 'given' && id !== current?.key.id;

/** Only the leaf is given up: its key gets another. One of the issuer that was refused counts. */
export function leafless(memory: Memory, c: Circumstances): Memory {
  const { next, current, answers } = memory;
  if (next === undefined) return memory;
  const no = [answers['register next'], answers['connect next']].some((told) => told?.verdict === 'refused');
  const isRefused = no && next.from === 'issuer';
  const { leaf: _, from: _from, ...key } = next;
  const gone = forget({ ...without(memory, 'next'), at: without(memory.at, 'next') }, 'register next', 'connect next');
  const counted = isRefused ? answered(gone, 'roll', { verdict: 'refused' }, { ...c, at: c.now }) : gone;
  return next.key.id === current?.key.id ? counted : { ...counted, next: key };
}

export function lostKey(memory: Memory): Memory {
  const { next } = memory;
  if (next === undefined) return memory;
  const { leaf: _, from: _from, isMade: _made, ...key } = next;
  return forget({ ...memory, next: key, at: without(memory.at, 'next') }, 'register next', 'connect next');
}

export function dropped(memory: Memory): Memory {
  const { next } = memory;
  if (next === undefined) return memory;
  const gone = forget(
    { ...without(memory, 'next'), at: without(memory.at, 'next') },
    'register next',
    'connect next',
    'make',
    'issue',
  );
  return retired(gone, next.key);
}

/** A key that was named: an attempt that has ended may have made it all the same. */
export function remembered(memory: Memory, key: KeyRef | undefined): Memory {
  if (key === undefined || key.id === memory.current?.key.id) return memory;
  const others = memory.old.filter(({ id }) => id !== key.id);
  return { ...memory, old: [...others, { ...key, isRemembered: true as const }] };
}

/** Plans to destroy a key, unless the current leaf has it. */
export function retired(memory: Memory, { slot, id }: KeyRef): Memory {
  if (slot === 'given' || id === memory.current?.key.id) return memory;
  const one: Old = { slot, id };
  return { ...memory, old: [...memory.old.filter((other) => other.id !== id), one] };
}

/** A key for the next leaf is named, in the slot that the current one does not use. */
export function named(memory: Memory, c: Circumstances, because?: Generation['because'], instead?: KeyRef): Memory {
  const free = memory.current?.key.slot === 'a' ? 'b' : 'a';
  const slot =
    instead === undefined || instead.slot === 'given' || instead.id === memory.current?.key.id ? free : instead.slot;
  const key = { slot, id: freshId({ at: c.now, draw: c.draw }) };
  return forget(
    { ...memory, next: { key, ...(because && { because }) } },
    'make',
    'issue',
    'register next',
    'connect next',
  );
}

/** A key that DPS may trust is kept, and another slot serves, where no leaf that is valid has it; where the hub trusts a CA, that trust is of no use. */
export function replaced(
  memory: Memory,
  c: Circumstances,
  key: KeyRef,
  because: Generation['because'],
): Memory | undefined {
  const alone = without(memory, 'next');
  if (!isMine(memory, key)) return second(named(alone, c, because));
  if (!isTrusted(memory) || c.terms.trust === 'ca') return second(named(retired(alone, key), c, because, key));
  const slot = key.slot === 'a' ? 'b' : 'a';
  if (memory.current?.key.slot === slot) {
    return isUseless(memory, c) ? second(named(retired(alone, key), c, because, key)) : undefined;
  }
  const kept = { ...alone, old: [...alone.old, { slot: key.slot, id: key.id, isRemembered: true as const }] };
  return second(named(kept, c, because, { slot, id: '' }));
}

export function second(memory: Memory): Memory {
  return memory.next === undefined ? memory : { ...memory, next: { ...memory.next, isSecond: true } };
}
