import { type Code, type FailureDetail, failure } from '../../../agent/failure/failure.ts';
import { type Assignment, type KeyRef, type Leaf, placeOf } from '../../../agent/roll/leaf.ts';
import { isSession } from '../../../agent/roll/poison.ts';
import type { RollEffect, RollEvent } from '../../../agent/roll/state.ts';
import { HOUR, hub, NOW, terms } from './machine.ts';
import { nameFor, type Pair } from './pair.ts';

/** What is in a token, by slot. */
export interface Slots {
  readonly a?: string;
  readonly b?: string;
  /** A key that was there before newleaf. */
  readonly given?: string;
}

/** The outside, as small as it can be told: who has which key, and whom DPS and the hub believe. */
export interface World {
  readonly token: Slots;
  /** The token that is not plugged in. */
  readonly drawer?: Slots;
  /** The token destroys no key. */
  readonly keeps?: true;
  /** The leaf that registered last, and that DPS has not refused since. */
  readonly pinned?: Leaf;
  /** The thumbprint in the hub's registry; the hub's operator can remove it. */
  readonly hub?: string;
  /** Thumbprints that DPS accepts; `all` is a group: every leaf of its CA. */
  readonly enrolled: readonly string[] | 'all';
  readonly enabled: boolean;
  /** The hub trusts a CA, and these leaves of it no more. DPS is asked by another identity, and pins nothing. */
  readonly revoked?: readonly string[];
  /** Its hub is gone, and DPS assigns another. */
  readonly isMoved?: true;
}

const OTHER: Assignment = { ...hub, hub: 'hub2' };
const assignedBy = ({ isMoved }: World): Assignment => (isMoved ? OTHER : hub);

/** A key that newleaf has not made: the journal knows nothing of it. */
export const FOREIGN = 'x0';
/** A CA that no group trusts. */
const STRANGER = 'another CA';

/** What an effect meets: the truth of the world, or this failure in its place. */
export type Luck = 'true' | Code;

/**
 * Failures of each effect that may come at any moment: no answer (the first), a mood of the issuer, a hub that lags DPS, a token
 * that fails, or whose module loses its state. DPS refuses only where the world says so.
 */
export const FAILURES: Readonly<Record<RollEffect['kind'], readonly [silence: Code, ...others: Code[]]>> = {
  'generate-key': ['NL-TOKEN-FAILED', 'NL-TOKEN-POISONED', 'NL-TOKEN-MISSING'],
  'request-leaf': ['NL-EST-UNREACHABLE', 'NL-EST-REFUSED', 'NL-ISSUER-NEW-KEY', 'NL-TOKEN-FAILED', 'NL-TOKEN-POISONED'],
  register: ['NL-DPS-SERVER', 'NL-DPS-HUB', 'NL-TOKEN-FAILED', 'NL-TOKEN-POISONED'],
  connect: ['NL-HUB-UNREACHABLE', 'NL-HUB-REJECTED', 'NL-TOKEN-FAILED', 'NL-TOKEN-POISONED'],
  'destroy-key': ['NL-TOKEN-FAILED', 'NL-TOKEN-POISONED'],
};

export interface Met {
  readonly world: World;
  readonly event: RollEvent;
}

const LIFETIME_MS = 90 * HOUR;

export const isLive = (leaf: Leaf, at: number): boolean => leaf.notAfter > at;

export const has = ({ token }: World, { id }: KeyRef): boolean => Object.values(token).includes(id);

export function accepts({ enrolled, enabled, revoked }: World, { thumbprint, issuer }: Leaf): boolean {
  if (revoked !== undefined) return enabled && issuer !== STRANGER && !revoked.includes(thumbprint);
  return enabled && (enrolled === 'all' ? issuer !== STRANGER : enrolled.includes(thumbprint));
}

/** Whether this leaf would serve: its key is there, and DPS and hub would take it. */
export function serves(world: World, leaf: Leaf | undefined, at: number): leaf is Leaf {
  return leaf !== undefined && has(world, leaf.key) && isLive(leaf, at) && accepts(world, leaf);
}

/** A leaf for this key from now on. */
export function issue(pair: Pair, { slot, id }: KeyRef, isStrange = false): Leaf {
  const name = nameFor(pair, 'T');
  return {
    key: { slot, id },
    chain: `pem of ${name}`,
    thumbprint: name,
    cn: 'gw-1',
    serial: name,
    issuer: isStrange ? STRANGER : 'CA',
    notBefore: pair.at - HOUR,
    notAfter: pair.at + LIFETIME_MS,
  };
}

export function perform(pair: Pair, effect: RollEffect, luck: Luck): Met {
  // DPS has assigned a hub before newleaf can say that it is none of its own.
  const met = luck === 'true' || luck === 'NL-DPS-HUB' ? truth(pair, effect) : luck;
  if (typeof met === 'string') return { world: pair.world, event: failed(pair, effect, met) };
  if (!('world' in met)) return { world: pair.world, event: met };
  return luck === 'NL-DPS-HUB' && met.event.kind === 'registered'
    ? { world: met.world, event: failed(pair, effect, luck) }
    : met;
}

/** The place that is taken, as the token says it. */
const wordsOf = (effect: RollEffect, code: Code): FailureDetail =>
  code === 'NL-TOKEN-OCCUPIED' && effect.kind === 'generate-key' ? { message: `A key is in slot ${effect.slot}.` } : {};

/** Before a process ends for its module, a new one looks for the key of the current leaf (agent/daemon/anew.ts). */
function failed(pair: Pair, effect: RollEffect, code: Code): RollEvent {
  const { current, online } = pair.state;
  const isAsked = code === 'NL-TOKEN-POISONED' && (online !== undefined || !isSession(effect, current));
  const stays = isAsked && current !== undefined && !has(pair.world, current.key) && failure('NL-TOKEN-KEY');
  return {
    ...base(pair),
    kind: 'failed',
    effect,
    failure: failure(code, wordsOf(effect, code)),
    ...(stays && { stays }),
  };
}

const base = ({ at }: Pair) => ({ at, draw: 0.5 }) as const;

/** @returns the code of a failure that changes nothing, the event, or both the event and the world after it */
function truth(pair: Pair, effect: RollEffect): Code | RollEvent | Met {
  const { world } = pair;
  switch (effect.kind) {
    case 'generate-key': {
      const { slot, id } = effect;
      const there = world.token[slot];
      // What an interrupted generation has made is known by its id; any other key is not touched.
      if (there !== undefined && there !== id) return 'NL-TOKEN-OCCUPIED';
      const made = { ...world, token: { ...world.token, [slot]: id } };
      return { world: made, event: { ...base(pair), kind: 'key-generated', key: { slot, id } } };
    }
    case 'request-leaf':
      if (!has(world, effect.key)) return 'NL-TOKEN-KEY';
      // Over the session, or by a registration.
      if (world.revoked !== undefined && !world.enabled && pair.state.online === undefined) return 'NL-DPS-401002';
      return { ...base(pair), kind: 'leaf-issued', leaf: issue(pair, effect.key) };
    case 'register':
      return registered(pair, effect.leaf);
    case 'connect': {
      const { leaf, assignment } = effect;
      if (!has(world, leaf.key)) return 'NL-TOKEN-KEY';
      if (assignment.hub !== assignedBy(world).hub) return 'NL-HUB-UNREACHABLE';
      if (!isLive(leaf, pair.at)) return 'NL-HUB-CLOSED';
      const isTrusted =
        world.revoked === undefined ? world.hub === leaf.thumbprint : accepts({ ...world, enabled: true }, leaf);
      if (!isTrusted) return 'NL-HUB-REJECTED';
      return { ...base(pair), kind: 'connected', thumbprint: leaf.thumbprint, hub: placeOf(assignment) };
    }
    case 'destroy-key': {
      if (world.keeps && has(world, effect.key)) return 'NL-TOKEN-FAILED';
      const { slot, id } = effect.key;
      const token = Object.fromEntries(
        Object.entries(world.token).filter(([name, one]) => name !== slot || one !== id),
      );
      return { world: { ...world, token }, event: { ...base(pair), kind: 'key-destroyed', id } };
    }
  }
}

function registered(pair: Pair, leaf: Leaf): Code | Met {
  const { world } = pair;
  const { thumbprint } = leaf;
  const named = {
    ...base(pair),
    kind: 'registered',
    thumbprint,
    assignment: assignedBy(world),
    as: terms.registered,
  } as const;
  if (!has(world, leaf.key)) return 'NL-TOKEN-KEY';
  if (world.revoked !== undefined) return world.enabled ? { world, event: named } : 'NL-DPS-401002';
  if (accepts(world, leaf) && isLive(leaf, pair.at)) {
    return { world: { ...world, pinned: leaf, hub: thumbprint }, event: named };
  }
  const { pinned, ...others } = world;
  const event = failed(pair, { kind: 'register', leaf }, 'NL-DPS-401002');
  return { world: pinned?.thumbprint === thumbprint ? others : world, event };
}

/** The first leaf of a gateway that serves. It is due in two days: no fault is mended by its renewal meanwhile. */
export const firstLeaf = (slot: Leaf['key']['slot']): Leaf => ({
  key: { slot, id: 'g0' },
  chain: 'pem of T0',
  thumbprint: 'T0',
  cn: 'gw-1',
  serial: 'T0',
  issuer: 'CA',
  notBefore: NOW - 10 * HOUR,
  notAfter: NOW + 80 * HOUR,
});
