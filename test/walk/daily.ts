import type { RollEffect } from '../../agent/roll/state.ts';
import type { Proof } from './ends.ts';
import { LASTING, lucksOf } from './lasting.ts';
import { HOUR, type Pair } from './pair.ts';
import { mended, turned } from './played.ts';
import { has } from './world.ts';

/** Registrations that the token does not sign never reach DPS. */
type Kind = RollEffect['kind'] | 'unsigned';

/** What a gateway may cost in the first day of a fault that stays, as in test/search/daily.ts; that has the reasons. */
const MOST: Readonly<Record<Kind, number>> = {
  register: 60,
  'request-leaf': 110,
  connect: 3_600,
  'generate-key': 300,
  'destroy-key': 60,
  unsigned: 190,
};

/** A look an hour apart: nothing but a planned moment is to be asked for. */
const LOOK_MS = HOUR;

/** Each fault that stays is bounded in calls a day. @param most plays so many days, each of another standing and fault */
export function everyFaultIsBounded(most: number): Proof {
  const played = new Set<string>();
  return (from, broken) => {
    const { work, session } = from.flying;
    for (const [name, lasting] of Object.entries(LASTING)) {
      const standing = `${name} ${from.state.phase} ${from.state.next?.is ?? ''}`;
      const isMet = [work, session].some((one) => one && lasting(one, from.memory.current) !== undefined);
      if (!isMet || from.world.isMoved || played.has(standing) || played.size >= most) continue;
      played.add(standing);
      const { counts, pair } = dayOf(mended(from), lucksOf(lasting));
      for (const [kind, bound] of Object.entries(MOST) as [Kind, number][])
        if (counts[kind] > bound) broken(`${kind} at most ${bound} times a day, not ${counts[kind]}: ${name}`, pair);
    }
  };
}

function dayOf(from: Pair, lucks: ReturnType<typeof lucksOf>) {
  const counts: Record<Kind, number> = {
    register: 0,
    'request-leaf': 0,
    connect: 0,
    'generate-key': 0,
    'destroy-key': 0,
    unsigned: 0,
  };
  let pair = from;
  while (pair.at < from.at + 24 * HOUR) {
    const effect = pair.flying.work ?? pair.flying.session;
    if (effect !== undefined) counts[isUnsigned(effect, pair, lucks) ? 'unsigned' : effect.kind] += 1;
    pair = turned(pair, lucks, LOOK_MS);
  }
  return { counts, pair };
}

function isUnsigned(effect: RollEffect, pair: Pair, lucks: ReturnType<typeof lucksOf>): boolean {
  if (effect.kind !== 'register') return false;
  return lucks(effect, pair).startsWith('NL-TOKEN') || !has(pair.world, effect.leaf.key);
}
