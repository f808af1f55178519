import { failure } from '../../../agent/roll/failure.ts';
import type { RollEffect, RollEvent, RollState } from '../../../agent/roll/state.ts';
import { hub, LATER, leafOf, NOW, terms } from './machine.ts';

/** The outside, as small as it can be told: who has which key, and whom DPS and the hub believe. */
export interface World {
  /** Generation in each slot of the token. */
  readonly token: { readonly a?: string; readonly b?: string };
  /** The thumbprint that registered last. */
  readonly pinned?: string;
  /** What the hub's registry holds; the hub's operator can remove it. */
  readonly hub?: string;
  /** Generations that DPS accepts; `all` is a group. */
  readonly enrolled: readonly string[] | 'all';
  readonly enabled: boolean;
}

/** What an effect meets. */
export type Luck = 'true' | 'outage' | 'refused';

export interface Met {
  readonly world: World;
  readonly event: RollEvent;
}

/** When a leaf ends that is not due for a long time. */
const YOUNG = NOW + 324_000_000;

const base = { at: NOW, draw: 0.5 } as const;

export function accepts({ enrolled, enabled }: World, generation: string): boolean {
  return enabled && (enrolled === 'all' || enrolled.includes(generation));
}

export function perform(world: World, effect: RollEffect, luck: Luck): Met {
  if (luck === 'true') return truth(world, effect);
  const failure = luck === 'outage' ? OUTAGE : REFUSALS[effect.kind];
  return { world, event: { ...base, kind: 'failed', effect, failure } };
}

function truth(world: World, effect: RollEffect): Met {
  const refused: Met = { world, event: { ...base, kind: 'failed', effect, failure: REFUSALS[effect.kind] } };
  switch (effect.kind) {
    case 'generate-key': {
      const { slot, id } = effect;
      const there = world.token[slot];
      // What an interrupted generation has made is known by its id; any other key is not touched.
      if (there !== undefined && there !== id)
        return { world, event: { ...base, kind: 'failed', effect, failure: OCCUPIED } };
      return {
        world: { ...world, token: { ...world.token, [slot]: id } },
        event: { ...base, kind: 'key-generated', key: { slot, id } },
      };
    }
    case 'request-leaf': {
      const leaf = leafOf(effect.key.id, effect.key.slot);
      return { world, event: { ...base, kind: 'leaf-issued', leaf: { ...leaf, notAfter: YOUNG } } };
    }
    case 'register': {
      const generation = effect.leaf.key.id;
      if (!accepts(world, generation)) return refused;
      const event = {
        ...base,
        kind: 'registered',
        thumbprint: effect.leaf.thumbprint,
        assignment: hub,
        as: terms.registered,
      } as const;
      return { world: { ...world, pinned: generation, hub: generation }, event };
    }
    case 'connect': {
      if (world.hub !== effect.leaf.key.id) return refused;
      return { world, event: { ...base, kind: 'connected', thumbprint: effect.leaf.thumbprint, hub: hub.hub } };
    }
    case 'destroy-key': {
      const token = { ...world.token };
      const { slot, id } = effect.key;
      if (slot !== 'given' && token[slot] === id) delete token[slot];
      return { world: { ...world, token }, event: { ...base, kind: 'key-destroyed', id } };
    }
  }
}

const OCCUPIED = failure('NL-TOKEN-OCCUPIED');
const OUTAGE = failure('NL-DPS-UNREACHABLE');
const REFUSALS = {
  register: failure('NL-DPS-401002'),
  connect: failure('NL-HUB-REJECTED'),
  'request-leaf': failure('NL-EST-REFUSED'),
  'generate-key': failure('NL-TOKEN-FAILED'),
  'destroy-key': failure('NL-TOKEN-FAILED'),
} as const;

const request = { id: 'r', reason: 'asked', from: 'technician', at: NOW } as const;

const asked = { ...base, kind: 'asked', delayMs: 0, discard: false } as const;

/** What people and time can do to the machine at any moment. */
export const SIGNALS: readonly (readonly [name: string, event: RollEvent])[] = [
  ['re-register', { ...asked, request: { ...request, action: 're-register' } }],
  ['roll', { ...asked, request: { ...request, action: 'roll' } }],
  ['roll --discard', { ...asked, request: { ...request, action: 'roll' }, discard: true }],
  ['csr', { ...base, kind: 'csr-asked', newKey: false, from: 'technician' }],
  ['csr --new-key', { ...base, kind: 'csr-asked', newKey: true, from: 'technician' }],
  ['requestCsr, newKey', { ...base, kind: 'csr-asked', newKey: true, from: 'method' }],
  ['started', { ...base, kind: 'started' }],
  ['woken', { ...base, kind: 'woken' }],
  ['woken later', { ...base, kind: 'woken', at: LATER }],
];

/** Somebody may bring a leaf for each key that a CSR could have been made for: that of the candidate, that of the current leaf. */
export function deliveries({ current, next }: RollState): readonly RollEvent[] {
  const own = next?.id === undefined ? undefined : { slot: next.slot, id: next.id };
  // A key that DPS may trust, or whose name nobody has heard, stays behind then until the next roll finds it: not looked at.
  const clear = next === undefined || (own !== undefined && !next.sent);
  const keys = clear ? [own, current?.key] : [own];
  return keys
    .filter((key) => key !== undefined)
    .map((key) => {
      const first = leafOf(key.id, key.slot);
      const again = current?.thumbprint === first.thumbprint ? { thumbprint: `${first.thumbprint}'` } : {};
      const leaf = { ...first, ...again, notAfter: YOUNG };
      return { ...base, kind: 'leaf-delivered', leaf, request: { ...request, action: 'roll' } };
    });
}

/** What operators can do to the far side at any moment. */
export function operators(world: World): readonly World[] {
  const { hub: _, ...forgotten } = world;
  const keys = [world.token.a, world.token.b].filter((id) => id !== undefined);
  const enrolled = world.enrolled === 'all' ? [] : [{ ...world, enrolled: keys }];
  return [{ ...world, enabled: !world.enabled }, forgotten, ...enrolled];
}
