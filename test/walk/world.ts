import type { Code } from '../../agent/failure/failure.ts';
import { type Assignment, type KeyRef, type Leaf, placeOf } from '../../agent/roll/leaf.ts';
import type { RollEffect } from '../../agent/roll/state.ts';
import { another, HOUR, hub, otherHub, terms } from './pair.ts';
import type { Told } from './step.ts';

/** The content of a token, by slot. */
export interface Slots {
  readonly a?: string;
  readonly b?: string;
  /** A key that was there before newleaf. */
  readonly given?: string;
}

/** The outside, as small as it can be told: the places of keys, and the leaves that DPS and the hub trust. */
export interface World {
  readonly token: Slots;
  /** The token that is not plugged in. */
  readonly drawer?: Slots;
  /** The token destroys no key. */
  readonly keeps?: true;
  /** The disk accepts no writes. */
  readonly isFull?: true;
  /** The leaf that registered last, and that DPS has not refused since. */
  readonly pinned?: Leaf;
  /** The thumbprint in the registry of the hub, whose operator can remove it. */
  readonly hub?: string;
  /** Thumbprints that DPS accepts; `all` is a group: every leaf of its CA. */
  readonly enrolled: readonly string[] | 'all';
  readonly enabled: boolean;
  /** The hub trusts a CA, and these leaves of it no more. DPS is asked by another identity, and pins nothing. */
  readonly revoked?: readonly string[];
  /** Its hub is gone, and DPS assigns another. */
  readonly isMoved?: true;
}

export const assignedBy = ({ isMoved }: World): Assignment => (isMoved ? otherHub : hub);

/** A key that newleaf has not made: the journal does not name it. */
export const FOREIGN = 'x0';
/** A CA that no group trusts. */
const STRANGER = 'another CA';
const LIFETIME_MS = 90 * HOUR;

/** The result of an effect, or the code of its failure, and the world after it. */
export interface Met {
  readonly world: World;
  readonly told: Told | Code;
}

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
export function issue({ slot, id }: KeyRef, at: number, isStrange = false): Leaf {
  const name = `T${another()}`;
  return {
    key: { slot, id },
    chain: `pem of ${name}`,
    thumbprint: name,
    cn: 'gw-1',
    serial: name,
    issuer: isStrange ? STRANGER : 'CA',
    notBefore: at - HOUR,
    notAfter: at + LIFETIME_MS,
  };
}

/** The truth about an effect: its result, or the code of its failure. */
export function truthOf(world: World, effect: RollEffect, at: number, isOnline: boolean): Met {
  const met = (told: Told | Code): Met => ({ world, told });
  switch (effect.kind) {
    case 'generate-key': {
      const { slot, id } = effect;
      const there = world.token[slot];
      // A key that an interrupted attempt has made is known by its id; any other key is not touched.
      if (there !== undefined && there !== id) return met('NL-TOKEN-OCCUPIED');
      const made = { ...world, token: { ...world.token, [slot]: id } };
      return { world: made, told: { kind: 'key-generated', key: { slot, id } } };
    }
    case 'request-leaf':
      if (!has(world, effect.key)) return met('NL-TOKEN-KEY');
      // Over the session, or by a registration.
      if (world.revoked !== undefined && !world.enabled && !isOnline) return met('NL-DPS-401002');
      return met({ kind: 'leaf-issued', leaf: issue(effect.key, at) });
    case 'register':
      return registered(world, effect.leaf, at);
    case 'connect': {
      const { leaf, assignment } = effect;
      if (!has(world, leaf.key)) return met('NL-TOKEN-KEY');
      if (assignment.hub !== assignedBy(world).hub) return met('NL-HUB-UNREACHABLE');
      if (!isLive(leaf, at)) return met('NL-HUB-CLOSED');
      const isTrusted =
        world.revoked === undefined ? world.hub === leaf.thumbprint : accepts({ ...world, enabled: true }, leaf);
      if (!isTrusted) return met('NL-HUB-REJECTED');
      return met({ kind: 'connected', thumbprint: leaf.thumbprint, hub: placeOf(assignment) });
    }
    case 'destroy-key': {
      if (world.keeps && has(world, effect.key)) return met('NL-TOKEN-FAILED');
      const { slot, id } = effect.key;
      const others = Object.entries(world.token).filter(([name, one]) => name !== slot || one !== id);
      return { world: { ...world, token: Object.fromEntries(others) }, told: { kind: 'key-destroyed', id } };
    }
  }
}

function registered(world: World, leaf: Leaf, at: number): Met {
  const { thumbprint } = leaf;
  const told = { kind: 'registered', thumbprint, assignment: assignedBy(world), as: terms.registered } as const;
  if (!has(world, leaf.key)) return { world, told: 'NL-TOKEN-KEY' };
  if (world.revoked !== undefined) return { world, told: world.enabled ? told : 'NL-DPS-401002' };
  if (accepts(world, leaf) && isLive(leaf, at)) return { world: { ...world, pinned: leaf, hub: thumbprint }, told };
  // DPS forgets a leaf that it refuses.
  const { pinned, ...others } = world;
  return { world: pinned?.thumbprint === thumbprint ? others : world, told: 'NL-DPS-401002' };
}
