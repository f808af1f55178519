import { lastResortAt } from '../terms.ts';
import { isMine, named, remembered, replaced, second } from './generation.ts';
import { hasOtherPlace, isDamaged, isGuarded, isKeyLost, SAME_FORM, wish } from './knots.ts';
import { type Answer, type Circumstances, forget, type Memory, without } from './memory.ts';
import { DESTROY_TRIES, waitFor, waitForPlace } from './pace.ts';
import type { Row } from './row.ts';

/** What an issuer has refused so often is not sent once more in the same form; or the token signs nothing with the key. */
const isOfNoUse = (told: Answer): boolean => (told.verdict === 'refused' && told.times >= SAME_FORM) || isDamaged(told);

/** Another leaf is wanted, and its key is named or changed. */
export const KEYS: readonly Row[] = [
  {
    name: 'newleaf wants another leaf',
    why: 'a generation is named, or a spare key serves (after all that makes room)',
    apply: (memory, c) => {
      const because = wish(memory, c);
      const { next, current } = memory;
      if (because === undefined || next?.because !== undefined || next?.leaf !== undefined) return undefined;
      if (!c.terms.automatic) return undefined;
      if (memory.ask === undefined && waitFor('roll', memory, c) > 0) return undefined;
      const keeps = c.terms.keepKey && current !== undefined && memory.answers.sign === undefined;
      if (keeps && !next?.isMade)
        return { ...remembered(memory, next?.key), next: { key: current.key, isMade: true, because } };
      if (next !== undefined && (keeps || next.key.id !== current?.key.id))
        return { ...memory, next: { ...next, because } };
      return named(memory, c, because);
    },
  },
  {
    name: 'another key for the issuer',
    why: 'what it refused is not sent a fourth time unchanged, and what it demands it gets at once, once; then at each rung',
    apply: (memory, c) => {
      const { next, answers } = memory;
      const told = answers.issue;
      if (told === undefined || told.again || next?.isMade !== true || next.because === undefined) return undefined;
      // A key that is kept serves on.
      if (c.terms.keepKey) return undefined;
      const isDemanded = told.failure?.code === 'NL-ISSUER-NEW-KEY';
      const isTired = (isDemanded || isOfNoUse(told)) && waitFor('issue', memory, c) <= 0;
      if (!isTired && !(isDemanded && !next.isSecond)) return undefined;
      const another = replaced(memory, c, next.key, next.because);
      return another && { ...another, answers: { ...another.answers, issue: { ...told, again: true } } };
    },
  },
  {
    name: 'lost key that newleaf did not make',
    why: 'a key that was given or is kept cannot be made again: the next leaf gets a key of its own',
    apply: (memory, c) => {
      const { next, current } = memory;
      if (next === undefined || isMine(memory, next.key)) return undefined;
      const { issue } = memory.answers;
      const signsNothing = isKeyLost(memory) || (issue?.lasting === true && issue.times >= SAME_FORM);
      // While the other place is not free no key is made there.
      const isFree = !isPlaceBlocked(memory, c, current?.key.slot === 'a' ? 'b' : 'a');
      if (next.isMade && !(next.key.id === current?.key.id && signsNothing && isFree)) return undefined;
      const alone = { ...without(memory, 'next'), at: without(memory.at, 'next') };
      return next.because === undefined ? alone : second(named(alone, c, next.because));
    },
  },
  {
    name: 'the other place',
    why: 'the slot holds a key of another: where the other slot is free, it serves',
    apply: (memory) => {
      const { next, current, answers } = memory;
      if (next === undefined) return undefined;
      const slot = next.key.slot === 'a' ? 'b' : 'a';
      // It was named before the token had brought the leaf that has this place.
      const isFirst = !next.isMade && !next.isSecond;
      if (isFirst && current?.key.slot === next.key.slot && current.key.id !== next.key.id)
        return { ...memory, next: { ...next, key: { ...next.key, slot } } };
      if (answers.make?.failure?.code !== 'NL-TOKEN-OCCUPIED' || answers.make.again || !hasOtherPlace(memory))
        return undefined;
      return {
        ...memory,
        next: { ...next, key: { ...next.key, slot }, isSecond: true },
        answers: { ...memory.answers, make: { ...answers.make, again: true } },
      };
    },
  },
  {
    name: 'last resort',
    why: 'the token makes no key, and half of the time of the renewal is gone: a second leaf for one key is more than none (last: all else is settled)',
    apply: (memory, c) => {
      const { next, current, answers } = memory;
      if (current === undefined || next === undefined || next.isMade) return undefined;
      if (c.terms.automatic ? next.because === undefined : !next.isForPerson) return undefined;
      // It signs no second leaf for a key.
      if (answers.issue?.failure?.code === 'NL-ISSUER-NEW-KEY') return undefined;
      if (answers.sign !== undefined || c.now < lastResortAt(current, c.terms.renewAt)) return undefined;
      const isBlocked = isPlaceBlocked(memory, c, next.key.slot);
      if (answers.make?.verdict !== 'broken' && !isBlocked) return undefined;
      const kept = { ...next, key: current.key, isMade: true, isSecond: true } as const;
      // A key whose place was never free was never made.
      return forget({ ...(isBlocked ? memory : remembered(memory, next.key)), next: kept }, 'make');
    },
  },
];

/** The place holds a key that the token keeps, or of which DPS may trust a leaf. */
const isPlaceBlocked = (memory: Memory, c: Circumstances, place: string): boolean =>
  memory.old.some(({ slot, id }) => {
    const isKept = (memory.answers[`destroy ${id}`]?.times ?? 0) >= DESTROY_TRIES && waitForPlace(id, memory, c) > 0;
    return slot === place && (isKept || isGuarded(memory, c, id));
  });
