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
      const { next } = memory;
      const needed = next !== undefined && !next.isMade && wantsKey(memory, c) ? next.key.slot : undefined;
      const [first] = destroyable(memory, needed, c)
        .map((key) => ({ key, isNeeded: key.slot === needed }))
        .map(({ key, isNeeded }) => ({
          key: { slot: key.slot, id: key.id },
          isNeeded,
          wait: isNeeded ? waitForPlace(key.id, memory, c) : waitFor(`destroy ${key.id}`, memory, c),
        }))
        .sort((one, other) => Number(other.isNeeded) - Number(one.isNeeded) || one.wait - other.wait);
      if (first === undefined) return undefined;
      const { key, wait } = first;
      return { effect: { kind: 'destroy-key', key }, question: `destroy ${key.id}`, wait };
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

const destroyable = (memory: Memory, needed: string | undefined, c: Circumstances) =>
  memory.old.filter(({ id, slot, isRemembered }) => {
    if (slot === needed) return !isGuarded(memory, c, id);
    return !isRemembered && !memory.trusts.some(({ keyId }) => keyId === id);
  });
