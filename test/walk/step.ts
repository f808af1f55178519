import { type Code, type FailureDetail, failure } from '../../agent/failure/failure.ts';
import { type Advanced, advance as advanceBy } from '../../agent/roll/core/advance.ts';
import { differs, type Entry, entryOf, isIntended, memoryOf } from '../../agent/roll/core/entry.ts';
import type { Circumstances, Flying, Memory } from '../../agent/roll/core/memory.ts';
import { isSame, type Plan, plan } from '../../agent/roll/core/plan.ts';
import { view } from '../../agent/roll/core/view.ts';
import { isSession } from '../../agent/roll/poison.ts';
import type { RollEffect, RollEvent } from '../../agent/roll/state.ts';
import { another, type Pair } from './pair.ts';
import { has, truthOf, type World } from './world.ts';

// The daemon as small as it can be told: two lanes, a disk, and one event at a time.

/** An event before it has its moment. */
export type Told = RollEvent extends infer E ? (E extends RollEvent ? Omit<E, 'at' | 'draw'> : never) : never;

export type Lane = keyof Flying;

type Bare = Omit<Pair, 'disk' | 'plan' | 'state'>;

/** The luck of an effect: the truth of the world, or this failure in its place. */
export type Luck = 'true' | Code;

export interface Stepped {
  readonly pair: Pair;
  readonly advanced: Advanced;
}

/** The work of an effect, in milliseconds. */
const LATENCY_MS = 1_000;
/** The pause of systemd, and the rest that newleaf takes after a restart, in milliseconds. */
const RESTART_MS = 31_000;

export const circumstancesOf = ({ at, up, bornAt, terms, flying }: Omit<Bare, 'memory' | 'world'>): Circumstances => ({
  now: at,
  up,
  age: up - bornAt,
  // Names of keys are made of it.
  draw: 0.5 + another() * 2 ** -40,
  terms,
  flying,
});

/** One event. @param pair with the moment at which it comes, and without the flight that has landed */
export function advance(pair: Pair, told: Told): Stepped {
  const c = circumstancesOf(pair);
  const event = { ...told, at: pair.at, draw: c.draw, up: c.up } as RollEvent & { up: number };
  const advanced = advanceBy(pair.memory, event, c);
  // A request that the disk does not take is not accepted.
  if (pair.world.isFull && ASKS.has(told.kind) && differs(entryOf(advanced.memory), pair.disk))
    return { pair, advanced };
  const next = settled(pair, advanced.memory, advanced.plan, advanced.state);
  return { pair: advanced.restart ? restarted(next) : next, advanced };
}

const ASKS: ReadonlySet<RollEvent['kind']> = new Set<RollEvent['kind']>(['asked', 'csr-asked', 'leaf-delivered']);

/** The memory on the disk, where it takes it, and in flight all that the disk allows. */
function settled(pair: Pair, memory: Memory, planned: Plan, state: Pair['state']): Pair {
  const disk = pair.isPlayed ? pair.disk : written(pair, memory);
  const asks = pair.isPlayed ? planned.asks : planned.asks.filter((effect) => isIntended(effect, disk));
  const isOfSession = (effect: RollEffect) => planned.session !== undefined && isSame(effect, planned.session.effect);
  const flying = { work: asks.find((one) => !isOfSession(one)), session: asks.find(isOfSession) };
  return { ...pair, memory, disk, plan: planned, state, flying };
}

function written({ world, disk }: Pair, memory: Memory): Entry {
  const entry = entryOf(memory);
  return world.isFull || !differs(entry, disk) ? disk : entry;
}

/** A new process, which begins with the disk. */
export function restarted(pair: Pair): Pair {
  const up = pair.up + RESTART_MS;
  const later = { ...pair, at: pair.at + RESTART_MS, up, bornAt: up };
  return advance(landed({ ...later, memory: memoryOf(pair.isPlayed ? entryOf(pair.memory) : pair.disk) }), {
    kind: 'started',
  }).pair;
}

/** A pair that begins with this memory, before any event. */
export function begun(bare: Omit<Bare, 'flying'>): Pair {
  const flying = {};
  const c = circumstancesOf({ ...bare, flying });
  const planned = plan(bare.memory, c);
  return { ...bare, flying, disk: entryOf(bare.memory), plan: planned, state: view(bare.memory, planned, c) };
}

const landed = (pair: Pair, lane?: Lane): Pair => ({
  ...pair,
  flying: lane === undefined ? {} : { ...pair.flying, [lane]: undefined },
});

/** Time passes to this moment of the wall clock, and newleaf looks. */
export const wokenAt = (pair: Pair, at: number): Pair =>
  advance({ ...pair, at, up: pair.up + (at - pair.at) }, { kind: 'woken' }).pair;

/** The result of an effect in flight. */
export function resultOf(pair: Pair, effect: RollEffect, luck: Luck): { readonly told: Told; readonly world: World } {
  const { world, at, memory } = pair;
  // DPS has assigned a hub before newleaf can say that it is none of its own.
  const isTrue = luck === 'true' || luck === 'NL-DPS-HUB';
  const met = isTrue ? truthOf(world, effect, at, memory.online !== undefined) : { world, told: luck };
  const isPinned = luck === 'NL-DPS-HUB' && typeof met.told !== 'string' && met.told.kind === 'registered';
  const told = isPinned ? luck : met.told;
  return { world: met.world, told: typeof told === 'string' ? failed(pair, effect, told) : told };
}

/** What is in flight is answered. */
export function answer(pair: Pair, lane: Lane, luck: Luck = 'true', takesMs = LATENCY_MS): Stepped {
  const effect = pair.flying[lane];
  if (effect === undefined) throw new Error('nothing is in flight');
  const later = { ...pair, at: pair.at + takesMs, up: pair.up + takesMs };
  const { told, world } = resultOf(later, effect, luck);
  return advance({ ...landed(later, lane), world }, told);
}

/** The place that is taken, as the token says it. */
const wordsOf = (effect: RollEffect, code: Code): FailureDetail =>
  code === 'NL-TOKEN-OCCUPIED' && effect.kind === 'generate-key' ? { message: `A key is in slot ${effect.slot}.` } : {};

/** Before a process ends for its module, a new one looks for the key of the current leaf (agent/daemon/anew.ts). */
function failed({ memory, world }: Pair, effect: RollEffect, code: Code): Told {
  const { current, online } = memory;
  const isAsked = code === 'NL-TOKEN-POISONED' && (online !== undefined || !isSession(effect, current));
  const stays = isAsked && current !== undefined && !has(world, current.key) && failure('NL-TOKEN-KEY');
  return { kind: 'failed', effect, failure: failure(code, wordsOf(effect, code)), ...(stays && { stays }) };
}
