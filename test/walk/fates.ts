import { dueAt, lastResortAt } from '../../agent/roll/terms.ts';
import { HOUR, MINUTE, type Pair } from './pair.ts';
import { FOREIGN, isLive, type World } from './world.ts';

/**
 * The fates of token and disk: a key is lost, the token is swapped for another, and put back, it destroys no key, it has a key of
 * another program, the disk is full.
 */
export function fates({ world, memory: { current, next } }: Pair): readonly (readonly [name: string, world: World])[] {
  const { token, drawer = {}, keeps, isFull, ...others } = world;
  const without = (id: string) => Object.fromEntries(Object.entries(token).filter(([, one]) => one !== id));
  const known = [current?.key.id, next?.isMade ? next.key.id : undefined].filter((id) => id !== undefined);
  const lost = [...new Set(known)].filter((id) => Object.values(token).includes(id));
  const free = (['a', 'b'] as const).find((slot) => token[slot] === undefined && current?.key.slot !== slot);
  const hasForeign = token.a === FOREIGN || token.b === FOREIGN;
  const fate = (name: string, change: Partial<World>): readonly [string, World] => [name, { ...world, ...change }];
  const kept = { ...others, token, ...(world.drawer && { drawer: world.drawer }) };
  return [
    ...lost.map((id) =>
      fate(`the key of the ${id === current?.key.id ? 'current leaf' : 'candidate'} is lost`, { token: without(id) }),
    ),
    fate('another token is plugged in', { token: drawer, drawer: token }),
    keeps
      ? ['the token destroys again', { ...kept, ...(isFull && { isFull }) }]
      : fate('the token destroys no key', { keeps: true }),
    isFull
      ? ['the disk takes writes again', { ...kept, ...(keeps && { keeps }) }]
      : fate('the disk is full', { isFull: true }),
    ...(hasForeign
      ? [fate('the foreign key is gone', { token: without(FOREIGN) })]
      : free === undefined
        ? []
        : [fate('a foreign key is in the free slot', { token: { ...token, [free]: FOREIGN } })]),
  ];
}

/** Moments of the wall clock to which time may pass without an event. */
export function moments({ memory, plan, terms, at, up }: Pair): readonly (readonly [name: string, at: number])[] {
  const { current, next, scheduled } = memory;
  const ends = [current, next?.leaf].filter((leaf) => leaf !== undefined && isLive(leaf, at));
  const all: readonly (readonly [string, number | undefined])[] = [
    ['the next moment comes', at + plan.nextAt - up],
    ['the planned request is due', scheduled?.startAt],
    ['the leaf is due', current && dueAt(current, terms.renewAt)],
    ['half of the time for the renewal is gone', current && lastResortAt(current, terms.renewAt)],
    ['every leaf expires', ends.length === 0 ? undefined : Math.max(...ends.map((leaf) => leaf?.notAfter ?? 0)) + HOUR],
    ['a day passes', at + 24 * HOUR],
  ];
  return all.flatMap(([name, moment]) =>
    moment !== undefined && moment > at && Number.isFinite(moment) ? [[name, Math.ceil(moment)] as const] : [],
  );
}

/** The wall clock is set by so much, in milliseconds. */
export const CLOCKS: readonly (readonly [name: string, byMs: number])[] = [
  ['the clock is set back by half an hour', -30 * MINUTE],
  ['the clock is set ahead by three hours', 3 * HOUR],
];
