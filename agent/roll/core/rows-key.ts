import type { Code } from '../../failure/failure.ts';
import type { Leaf } from '../leaf.ts';
import type { Reason } from '../state.ts';
import { lastResortAt } from '../terms.ts';
import { isMine, named, remembered, replaced, second } from './generation.ts';
import { hasOtherPlace, isDamaged, isGuarded, isKeyLost, SAME_FORM, wish } from './knots.ts';
import { type Answer, type Circumstances, forget, type Generation, type Memory, without } from './memory.ts';
import { DESTROY_TRIES, waitFor, waitForPlace } from './pace.ts';
import { isServed } from './record.ts';
import type { Row } from './row.ts';

/** Refusals that are about the asker or the enrollment, and not about the key: another one would meet the same, and a token wears. */
const OF_ANY_KEY: ReadonlySet<Code | undefined> = new Set<Code>([
  'NL-DPS-401002',
  'NL-DPS-404201',
  'NL-DPS-DISABLED',
  'NL-DPS-HUB',
  'NL-EST-AUTH',
  'NL-AZURE-POLICY',
  'NL-AZURE-MQTT5',
  'NL-ONBOARDING-EXPIRED',
]);

/** What an issuer has refused so often is not sent once more in the same form; or the token signs nothing with the key. */
const isOfNoUse = (told: Answer): boolean =>
  isDamaged(told) || (told.verdict === 'refused' && told.times >= SAME_FORM && !OF_ANY_KEY.has(told.failure?.code));

/** Another leaf is wanted, and its key is named or changed. */
export const KEYS: readonly Row[] = [
  {
    name: 'another leaf for the same key',
    why: 'another leaf is wanted, and keys are kept (after all that makes room)',
    apply: (memory, c) => {
      const because = newWish(memory, c);
      const { next, current } = memory;
      if (because === undefined || current === undefined || next?.isMade || !keepsKey(memory, c)) return undefined;
      return { ...remembered(memory, next?.key), next: { key: current.key, isMade: true, because } };
    },
  },
  {
    name: 'newleaf wants another leaf',
    why: 'a spare key serves, or else a generation is named',
    apply: (memory, c) => {
      const because = newWish(memory, c);
      const { next, current } = memory;
      if (because === undefined) return undefined;
      const isSpare = next !== undefined && (keepsKey(memory, c) || next.key.id !== current?.key.id);
      return isSpare ? { ...memory, next: { ...next, because } } : named(memory, c, because);
    },
  },
  {
    name: 'another key for the issuer',
    why: 'what it refused is not sent a fourth time unchanged, and what it demands it gets at once, once; then at each rung',
    apply: (memory, c) => {
      const { next, answers } = memory;
      const told = answers.issue;
      if (told === undefined || next?.isMade !== true || !isKeyRefused(memory, told, c)) return undefined;
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
      if (next.isMade && !(next.key.id === current?.key.id && isToBeReplaced(memory, c))) return undefined;
      const alone = { ...without(memory, 'next'), at: without(memory.at, 'next') };
      return next.because === undefined ? alone : second(named(alone, c, next.because));
    },
  },
  {
    name: 'place of the current leaf',
    why: 'the key was named before the token had brought the leaf that has this place: it gets the other',
    apply: (memory) => {
      const { next, current } = memory;
      if (next === undefined || next.isMade || next.isSecond) return undefined;
      if (current?.key.slot !== next.key.slot || current.key.id === next.key.id) return undefined;
      return { ...memory, next: elsewhere(next) };
    },
  },
  {
    name: 'the other place',
    why: 'the slot holds a key of another: where the other slot is free, it serves',
    apply: (memory) => {
      const { next, answers } = memory;
      const { make } = answers;
      if (next === undefined || make?.failure?.code !== 'NL-TOKEN-OCCUPIED') return undefined;
      if (make.again || !hasOtherPlace(memory)) return undefined;
      const asked = { ...answers, make: { ...make, again: true as const } };
      return { ...memory, next: { ...elsewhere(next), isSecond: true }, answers: asked };
    },
  },
  {
    name: 'last resort',
    why: 'the token makes no key, and half of the time of the renewal is gone: a second leaf for one key is more than none (last: all else is settled)',
    apply: (memory, c) => {
      const { next, current } = memory;
      if (next === undefined || current === undefined || !isLastResort(memory, current, c)) return undefined;
      const isBlocked = isPlaceBlocked(memory, c, next.key.slot);
      if (memory.answers.make?.verdict !== 'broken' && !isBlocked) return undefined;
      const kept = { ...next, key: current.key, isMade: true, isSecond: true } as const;
      return forget({ ...(isBlocked ? memory : remembered(memory, next.key)), next: kept }, 'make');
    },
  },
];

/** Why another leaf is wanted that is not on its way yet. */
function newWish(memory: Memory, c: Circumstances): Reason | undefined {
  const { next, ask } = memory;
  if (!c.terms.automatic || next?.because !== undefined || next?.leaf !== undefined) return undefined;
  const because = wish(memory, c);
  const isRenewal = because === 'due' && isServed(memory);
  return ask === undefined && !isRenewal && waitFor('roll', memory, c) > 0 ? undefined : because;
}

const keepsKey = ({ current, answers }: Memory, { terms }: Circumstances): boolean =>
  terms.keepKey && current !== undefined && answers.sign === undefined;

/** The issuer demands another key, or it refuses this one at each rung. A key that is kept serves on. */
function isKeyRefused(memory: Memory, told: Answer, c: Circumstances): boolean {
  if (told.again || c.terms.keepKey || memory.next?.because === undefined) return false;
  const isDemanded = told.failure?.code === 'NL-ISSUER-NEW-KEY';
  if (isDemanded && !memory.next.isSecond) return true;
  return (isDemanded || isOfNoUse(told)) && waitFor('issue', memory, c) <= 0;
}

/** The token signs nothing with the current key; while the other place is not free no key is made there. */
function isToBeReplaced(memory: Memory, c: Circumstances): boolean {
  const { issue } = memory.answers;
  const signsNothing = isKeyLost(memory) || (issue?.lasting === true && issue.times >= SAME_FORM);
  return signsNothing && !isPlaceBlocked(memory, c, memory.current?.key.slot === 'a' ? 'b' : 'a');
}

const elsewhere = (next: Generation): Generation => ({
  ...next,
  key: { ...next.key, slot: next.key.slot === 'a' ? 'b' : 'a' },
});

/** The current key signs, half of the time is gone, and the issuer has not said that it signs no second leaf for a key. */
function isLastResort({ next, answers }: Memory, current: Leaf, { terms, now }: Circumstances): boolean {
  // Another key than the current one is what a person has asked for.
  if (next?.isForPerson && next.isSecond && next.because === undefined) return false;
  if (next?.isMade || (terms.automatic ? next?.because === undefined : !next?.isForPerson)) return false;
  if (answers.issue?.failure?.code === 'NL-ISSUER-NEW-KEY' || answers.sign !== undefined) return false;
  return now >= lastResortAt(current, terms.renewAt);
}

/** The place holds a key that the token keeps, or of which DPS may trust a leaf: the key that was named for it was never made. */
const isPlaceBlocked = (memory: Memory, c: Circumstances, place: string): boolean =>
  memory.old.some(({ slot, id }) => {
    const isKept = (memory.answers[`destroy ${id}`]?.times ?? 0) >= DESTROY_TRIES && waitForPlace(id, memory, c) > 0;
    return slot === place && (isKept || isGuarded(memory, c, id));
  });
