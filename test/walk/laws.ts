import { isIntended, memoryOf } from '../../agent/roll/core/entry.ts';
import { isBarred, isUseless } from '../../agent/roll/core/knots.ts';
import type { Memory } from '../../agent/roll/core/memory.ts';
import { noWay } from '../../agent/roll/core/no-way.ts';
import { isEndorsed } from '../../agent/roll/leaf.ts';
import type { RollEffect } from '../../agent/roll/state.ts';
import type { Holds, Pair } from './pair.ts';
import { circumstancesOf } from './step.ts';
import { FOREIGN, has, isLive, type World } from './world.ts';

/** More keys than this can only be ones that are named and never destroyed. */
const MOST_OLD = 4;

/** The laws that hold in every pair. */
export function check(pair: Pair, holds: Holds): void {
  const { memory, world, state, plan } = pair;
  const { current, old } = memory;
  holds(
    old.every(({ id }) => id !== current?.key.id),
    'the key of the current leaf is never to be destroyed',
  );
  holds(old.length <= MOST_OLD, 'the keys that wait to be destroyed are few');
  const isAtRest = state.phase === 'serving' || state.phase === 'unprovisioned';
  holds(
    !isBarred(memory) || memory.online !== undefined || !isAtRest,
    'a leaf that the hub refuses is asked for, or a person is called',
  );
  checkDisk(pair, holds);
  checkCandidate(pair, holds);
  for (const effect of [pair.flying.work, pair.flying.session]) if (effect) checkEffect(effect, pair, holds);
  holds(
    world.isFull || noWay(memory, plan, circumstancesOf(pair)) === undefined,
    'a gateway that does not serve has a way within 75 minutes, or names a person',
  );
}

/** A candidate is asked for, or makes room at a moment that is known, or the hub has its time for the current leaf. */
function checkCandidate({ memory: { next }, plan: { wanted, session, nextAt } }: Pair, holds: Holds): void {
  const rows = wanted.map(({ row }) => row);
  const isWanted = rows.some((row) => row === 'prove' || row.startsWith('register'));
  const isPlanned = isWanted || session !== undefined || Number.isFinite(nextAt);
  holds(next?.leaf === undefined || isPlanned, 'a candidate waits for a moment');
}

/** A power cut loses no key, and no leaf that DPS may trust. */
function checkDisk({ disk, world, at }: Pair, holds: Holds): void {
  const kept = memoryOf(disk);
  const known = knownIds(kept);
  const { pinned, token, drawer } = world;
  const named = [kept.current, kept.next?.leaf, ...kept.trusts].map((leaf) => leaf?.thumbprint);
  // A key in a token that was away is not found again.
  for (const id of drawer === undefined ? [token.a, token.b] : [])
    holds(id === undefined || id === FOREIGN || known.includes(id), 'the journal names each key that newleaf has made');
  const isOver = pinned === undefined || !isLive(pinned, at) || isEndorsed(pinned);
  // A disk that is full may know of a candidate without what DPS heard of it.
  holds(isOver || named.includes(pinned.thumbprint), 'the journal names each leaf that DPS may trust');
}

export const knownIds = ({ current, next, old }: Memory): readonly string[] =>
  [current?.key.id, next?.key.id, ...old.map(({ id }) => id)].filter((id) => id !== undefined);

/** The laws of an effect that goes out. */
function checkEffect(effect: RollEffect, pair: Pair, holds: Holds): void {
  const { memory, disk, world, at } = pair;
  const { current, next, old } = memory;
  holds(isIntended(effect, disk), 'the journal names each effect before it is tried');
  if (effect.kind === 'generate-key') {
    const there = world.token[effect.slot];
    const isOurs = old.some(({ id }) => id === there);
    holds(!isOurs, 'a key that is given up makes room before the next one is made');
  }
  if (effect.kind !== 'destroy-key') return;
  const { key } = effect;
  holds(
    [current, next?.leaf].every((leaf) => leaf?.key.id !== key.id),
    'no key is destroyed that current or candidate relies on',
  );
  // No server can be shown a leaf that newleaf has no more, and the current one is of no use.
  holds(
    !isTrusted(world, key.id, at) || isUseless(memory, circumstancesOf(pair)),
    'no key is destroyed while its leaf is the one DPS trusts, and the current leaf may serve',
  );
  holds(key.slot !== 'given', 'a key that was given is never destroyed');
}

function isTrusted(world: World, id: string, at: number): boolean {
  const { pinned } = world;
  return pinned?.key.id === id && isLive(pinned, at) && has(world, pinned.key);
}
