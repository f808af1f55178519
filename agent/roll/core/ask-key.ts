import { isGuarded, wantsKey } from './knots.ts';
import type { Circumstances, Memory } from './memory.ts';
import { waitFor, waitForPlace } from './pace.ts';
import type { AskRow } from './row.ts';

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
