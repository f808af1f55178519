import assert from 'node:assert/strict';
import { type Candidate, hasLeaf, keyOf, leafIn, restOf } from '../../../agent/roll/candidate.ts';
import { getsNoRegistration, isStuck } from '../../../agent/roll/look.ts';
import type { Phase } from '../../../agent/roll/phase.ts';
import type { RollState } from '../../../agent/roll/state.ts';
import { isDue, type Terms } from '../../../agent/roll/terms.ts';
import { terms } from './machine.ts';
import { FOREIGN, isLive, type World } from './world.ts';

/** What the journal says, how things are outside, and what time it is. */
export interface Pair {
  readonly state: RollState;
  readonly world: World;
  /** Wall clock, milliseconds. */
  readonly at: number;
  /** leaf.rotate_key = false. */
  readonly keepKey: boolean;
  /** The issuer needs no person. */
  readonly automatic: boolean;
  /** The hub trusts a CA. */
  readonly trust?: 'ca';
}

export const termsOf = ({ automatic, keepKey, trust }: Pick<Pair, 'automatic' | 'keepKey' | 'trust'>): Terms => ({
  ...terms,
  trust: trust ?? 'leaf',
  automatic,
  keepKey,
});

const MOST_NAMES = 12;
/** Keys that are to be destroyed. */
const MOST_RETIRED = 4;

/** The first short name that nothing else has. */
export function nameFor({ state, world }: Pick<Pair, 'state' | 'world'>, letter: 'g' | 'T'): string {
  const used = JSON.stringify([state, world]);
  for (let number = 1; number < MOST_NAMES; number += 1) {
    const name = `${letter}${number}`;
    if (!used.includes(`"${name}"`) && !used.includes(`"${name}@`)) return name;
  }
  return assert.fail('the walk has too few names');
}

const PHASES: Readonly<Record<Phase, number>> = {
  unprovisioned: 0,
  serving: 1,
  registering: 2,
  'generating-key': 3,
  'requesting-leaf': 4,
  'registering-next': 5,
  'connecting-next': 6,
  'retiring-key': 7,
  abandoning: 8,
  stranded: 9,
};

/** A whole number, digit by digit: each line names the base of its digit. */
class Packed {
  value = 0;

  digit(base: number, digit: number): this {
    assert.ok(digit < base);
    this.value = this.value * base + digit;
    return this;
  }

  bit(is: boolean | undefined): this {
    return this.digit(2, is === true ? 1 : 0);
  }
}

/** Which key: none, that of the current leaf, that of the candidate, a foreign one, another, one of those to be destroyed. */
function whose(id: string | undefined, { current, next, retire }: RollState): number {
  if (id === undefined) return 0;
  if (id === current?.key.id) return 1;
  if (next !== undefined && id === keyOf(next).id) return 2;
  const place = retire.findIndex((one) => one.id === id);
  if (place >= 0) return 5 + place;
  return id === FOREIGN ? 3 : 4;
}

/** Which leaf: none, the current one, the candidate, another. */
function which(thumbprint: string | undefined, { current, next }: RollState): number {
  if (thumbprint === undefined) return 0;
  if (thumbprint === current?.thumbprint) return 1;
  return thumbprint === leafIn(next)?.thumbprint ? 2 : 3;
}

const KINDS: Readonly<Record<Candidate['is'], number>> = {
  'key-wanted': 1,
  'key-made': 2,
  sent: 3,
  assigned: 4,
  parked: 5,
  unwanted: 6,
};

/** Why it rests, or did so before, as far as the machine looks at it. */
function metBy(next: Candidate): number {
  const failure = next.is === 'sent' ? next.last : restOf(next)?.failure;
  if (failure === undefined) return 0;
  if (failure.code === 'NL-TOKEN-KEY') return next.tries < 3 ? 1 : 2;
  if (failure.code === 'NL-TOKEN-OCCUPIED') return 3;
  return failure.kind === 'refused' ? 4 : 5;
}

function packCandidate(packed: Packed, { state, at }: Pair, next: Candidate): void {
  packed.digit(6, metBy(next));
  const { slot } = keyOf(next);
  packed.digit(3, slot === 'given' ? 0 : slot === 'a' ? 1 : 2).bit(keyOf(next).id === state.current?.key.id);
  if (hasLeaf(next)) {
    packed
      .bit(isLive(next.leaf, at))
      .bit(next.leaf.issuer === 'CA')
      .bit(next.isKeyTrusted)
      .digit(3, ['issuer', 'person', 'hub'].indexOf(next.from));
    if (next.is === 'parked') packed.digit(3, ['possible', 'refused', 'none'].indexOf(next.trust));
    if (next.is === 'unwanted') packed.digit(3, ['refused', 'discarded', 'key-lost'].indexOf(next.because));
  } else {
    packed
      .digit(3, ['roll', 'delivery', 'spare'].indexOf(next.for))
      .bit(next.isSecond)
      .bit(restOf(next) !== undefined);
    packed.bit(next.is === 'key-made' ? next.isKeyTrusted : next.isUnsigned);
  }
}

function stateKey(pair: Pair): number {
  const { state, at, ...terms } = pair;
  const { request, next, current, probe, retire, online, grace, unproven } = state;
  const packed = new Packed();
  packed.digit(10, PHASES[state.phase]);
  packed.digit(4, current === undefined ? 0 : current.key.slot === 'given' ? 3 : current.key.slot === 'a' ? 1 : 2);
  packed.digit(3, current === undefined || !isDue(state, termsOf(terms), at) ? 0 : isLive(current, at) ? 1 : 2);
  packed.digit(4, which(online?.split('@')[0], state));
  packed.bit(state.rejected).bit(isStuck(state)).bit(getsNoRegistration(state));
  packed.digit(MOST_RETIRED + 1, retire.length);
  for (const one of retire)
    packed
      .bit(one.slot === 'a')
      .digit(4, one.is === 'remembered' ? 2 : one.is !== 'pending' ? 3 : one.tries === 0 ? 0 : 1);
  packed.bit(state.rolledFor !== undefined && state.rolledFor === current?.thumbprint);
  packed.bit(unproven > 0).digit(3, grace === undefined ? 0 : grace === 0 ? 1 : 2);
  packed.digit(3, request === undefined ? 0 : request.action === 'roll' ? 1 : 2).bit(request?.reason === 'probe');
  packed
    .digit(3, probe === undefined ? 0 : 1 + (probe.times % 2))
    .bit(state.ask)
    .bit(state.stranded);
  if (next !== undefined) packCandidate(packed, pair, next);
  // The last digit says how many there are.
  return packed.digit(7, next === undefined ? 0 : KINDS[next.is]).value;
}

function worldKey({ world, state }: Pair): number {
  const { token, drawer, enrolled } = world;
  const packed = new Packed();
  for (const id of [token.a, token.b, token.given, drawer?.a, drawer?.b, drawer?.given])
    packed.digit(5 + MOST_RETIRED, whose(id, state));
  packed.digit(5 + MOST_RETIRED, whose(world.pinned?.key.id, state)).digit(4, which(world.pinned?.thumbprint, state));
  packed.bit(world.keeps).bit(world.enabled).digit(4, which(world.hub, state));
  packed.bit(enrolled === 'all');
  for (const leaf of [state.current, leafIn(state.next)])
    packed.bit(leaf && enrolled.includes(leaf.thumbprint)).bit(leaf && world.revoked?.includes(leaf.thumbprint));
  return packed.value;
}

/**
 * Pairs that have been seen. Two pairs that differ only in history are one: the trail, clock readings, words, the names of keys
 * and leaves, and counters beyond their effect are left out.
 */
export class Pairs<T> {
  readonly #seen = new Map<number, Map<number, T>>();
  size = 0;

  get(pair: Pair): T | undefined {
    return this.#seen.get(worldKey(pair))?.get(stateKey(pair));
  }

  set(pair: Pair, value: T): void {
    const world = worldKey(pair);
    const states = this.#seen.get(world) ?? new Map<number, T>();
    if (!this.#seen.has(world)) this.#seen.set(world, states);
    const { size } = states;
    states.set(stateKey(pair), value);
    this.size += states.size - size;
  }
}
