import { isDue } from '../terms.ts';
import { dropped, isMine, leafless, lostKey, replaced } from './generation.ts';
import {
  hasNoWayBack,
  isDenied,
  isKeyLost,
  isNextLost,
  isRejected,
  isTrusted,
  isUnwanted,
  lossOfNext,
} from './knots.ts';
import { type Answer, type Circumstances, forget, type Generation, isKeyless, type Memory, without } from './memory.ts';
import { waitFor } from './pace.ts';
import { answered, ended, isServed } from './record.ts';
import type { Row } from './row.ts';

/** A candidate makes room before another is wanted. */
export const LEAVES: readonly Row[] = [
  {
    name: 'expired candidate',
    why: 'no server accepts it, and a clock that is too early calls nothing expired; its key gets another leaf, and none is destroyed, as the clock may be too late',
    apply: (memory, c) => {
      const leaf = memory.next?.leaf;
      return leaf === undefined || leaf.notAfter > c.now ? undefined : leafless(memory, c);
    },
  },
  {
    name: 'candidate that a hub refuses under a CA',
    why: 'where Azure issues the leaves, no registration makes the hub accept it later: its key gets another leaf, by the ladder of the issuer',
    apply: (memory, c) => {
      const { next } = memory;
      if (c.terms.trust !== 'ca' || next?.leaf === undefined || !isRejected(memory, 'next')) return undefined;
      const leaf = leafless(memory, c);
      // What a person has brought says nothing of the issuer.
      return next.from === 'issuer' ? issuedInVain(leaf, memory.answers['connect next'], c) : leaf;
    },
  },
  {
    name: 'candidate whose key is lost',
    why: 'its key is made once more, or makes room for another',
    apply: (memory, c) => {
      const { next } = memory;
      if (next === undefined || !isFreeToGo(memory, c) || !isNextLost(memory)) return undefined;
      return hasOwnCure(memory, next) ? withoutKey({ ...memory, next: without(next, 'isDiscarded') }, c) : undefined;
    },
  },
  {
    name: 'unwanted candidate goes',
    why: 'DPS does not trust it, or there is no way back and its key gets another leaf (after what has expired: that needs no way back)',
    apply: (memory, c) => {
      const { next } = memory;
      if (next === undefined || !isFreeToGo(memory, c)) return undefined;
      if (isNextLost(memory) && hasOwnCure(memory, next)) return undefined;
      return isTrusted(memory) ? leafless({ ...memory, next: without(next, 'isDiscarded') }, c) : dropped(memory);
    },
  },
  {
    name: 'leaf of a person that is refused',
    why: 'it never outranks an automatic issuer once the current leaf is due or its key lost: its key gets another',
    apply: (memory, c) => {
      const { next } = memory;
      if (!c.terms.automatic || next?.leaf === undefined || next.from === 'issuer') return undefined;
      const isNeeded = memory.current === undefined || isKeyLost(memory) || isLate(memory, c);
      const isDue = waitFor('register next', memory, c) <= 0;
      return isDenied(memory, 'next') && isNeeded && isDue ? leafless(memory, c) : undefined;
    },
  },
  {
    name: 'cure that is not needed',
    why: 'DPS and hub take the current leaf again, and it is not due: no operator will enroll the leaf that was to cure it',
    apply: (memory, c) => {
      const { next, ask } = memory;
      if (next === undefined || !isCureInVain(memory) || isLate(memory, c)) return undefined;
      if (ask?.request.action === 'roll' && ask.request.from !== 'newleaf') return undefined;
      const free = ask?.request.action === 'roll' ? ended(memory, c.now, 'kept') : memory;
      if (next.leaf !== undefined) return dropped(free);
      return forget({ ...free, next: without(next, 'because') }, 'issue', 'roll');
    },
  },
  {
    name: 'no roll where persons bring leaves',
    why: 'a person brings the leaf, for the CSR that is asked for',
    apply: (memory, { terms }) => {
      const { next, ask } = memory;
      if (terms.automatic || ask !== undefined) return undefined;
      if (next === undefined || next.leaf !== undefined || next.because === undefined) return undefined;
      return { ...memory, next: { ...without(next, 'because'), isForPerson: true } };
    },
  },
];

/** It is not wanted, and DPS does not trust it, or no other leaf can take its place. */
const isFreeToGo = (memory: Memory, c: Circumstances): boolean =>
  isUnwanted(memory) && (!isTrusted(memory) || hasNoWayBack(memory, c));

const isLate = (memory: Memory, { terms, now }: Circumstances): boolean => isDue(memory, terms, now);

/** The leaf that it was to replace serves; a session outlives its key. */
function isCureInVain(memory: Memory): boolean {
  const { because } = memory.next ?? {};
  if (!isServed(memory) || isTrusted(memory) || isDenied(memory, 'current')) return false;
  return because === 'dps-refused' || because === 'rejected' || (because === 'key-lost' && !isKeyLost(memory));
}

/** The issuer has given a leaf that no hub takes: that has the ladder of a refusal. */
function issuedInVain(memory: Memory, met: Answer | undefined, { now: at, up, draw }: Circumstances): Memory {
  const { times = 1 } = memory.answers.roll ?? {};
  const issue = { verdict: 'refused', ...(met?.failure && { failure: met.failure }), times, at, up, draw } as const;
  return { ...memory, answers: { ...memory.answers, issue } };
}

/** Where the key of the current leaf is gone, that is replaced; where it signs nothing for this leaf, another leaf of it is of no use. */
const hasOwnCure = (memory: Memory, { key }: Generation): boolean =>
  isMine(memory, key) || !isKeyless(lossOfNext(memory));

/** A key that is not there is made once more; one that is damaged makes room for another, twice at once and then by the hour. */
function withoutKey(memory: Memory, c: Circumstances): Memory | undefined {
  const { next } = memory;
  const met = lossOfNext(memory);
  if (next === undefined || isKeyless(met)) return lostKey(memory);
  if (waitFor('roll', memory, c) > 0) return undefined;
  const another = replaced(memory, c, next.key, next.because);
  const free = another && { ...another, at: without(memory.at, 'next') };
  const told = { verdict: 'refused', ...(met?.failure && { failure: met.failure }) } as const;
  return free && answered(free, 'roll', told, { ...c, at: c.now });
}
