import { failure } from '../../../agent/failure/failure.ts';
import { type Leaf, placeOf } from '../../../agent/roll/leaf.ts';
import type { RollEffect, RollEvent, RollState } from '../../../agent/roll/state.ts';
import { hub, LATER, leafOf, NOW, terms } from './machine.ts';

/** The outside, as small as it can be told: who has which key, and whom DPS and the hub believe. */
export interface World {
  /** Generation in each slot of the token. */
  readonly token: { readonly a?: string; readonly b?: string };
  /** The thumbprint that registered last, and that DPS has not refused since. */
  readonly pinned?: string;
  /** What the hub's registry holds; the hub's operator can remove it. */
  readonly hub?: string;
  /** Generations that DPS accepts; `all` is a group. */
  readonly enrolled: readonly string[] | 'all';
  readonly enabled: boolean;
  /** The generation whose key the token has lost. */
  readonly lost?: string;
  /** Every leaf that was issued before has expired. */
  readonly late?: true;
}

/** What an effect meets. */
export type Luck = 'true' | 'outage' | 'refused';

export interface Met {
  readonly world: World;
  readonly event: RollEvent;
}

/** How long a leaf lives that is not due for a long time, in milliseconds. */
const YOUNG_MS = 324_000_000;
const AFTER = NOW + YOUNG_MS + 36_000_000;
/** When a leaf ends that was issued before the others expired, and one that was issued after. */
export const ENDS = { young: NOW + YOUNG_MS, late: AFTER + YOUNG_MS } as const;

const base = { at: NOW, draw: 0.5 } as const;

/** The clock in this world. */
export const nowOf = ({ late }: World): number => (late ? AFTER : NOW);
/** An event of the table of signals in this world: what was to be later is later here. */
export const inWorld = (event: RollEvent, world: World): RollEvent => ({ ...event, at: event.at - NOW + nowOf(world) });

export const isLive = (leaf: Leaf, world: World): boolean => leaf.notAfter > nowOf(world);

export function accepts({ enrolled, enabled }: World, generation: string): boolean {
  return enabled && (enrolled === 'all' || enrolled.includes(generation));
}

/** Whether this leaf would serve: its key is there, and DPS and hub would take it. */
export function serves(world: World, leaf: Leaf | undefined): leaf is Leaf {
  return leaf !== undefined && world.lost !== leaf.key.id && isLive(leaf, world) && accepts(world, leaf.key.id);
}

export function perform(world: World, effect: RollEffect, luck: Luck): Met {
  const met = luck === 'true' ? truth(world, effect) : undefined;
  const failure = luck === 'outage' ? OUTAGE : REFUSALS[effect.kind];
  const { world: after, event } = met ?? { world, event: { ...base, kind: 'failed', effect, failure } as const };
  return { world: after, event: inWorld(event, world) };
}

function truth(world: World, effect: RollEffect): Met {
  const refused: Met = { world, event: { ...base, kind: 'failed', effect, failure: REFUSALS[effect.kind] } };
  const id = 'leaf' in effect ? effect.leaf.key.id : 'key' in effect ? effect.key.id : undefined;
  if (id !== undefined && id === world.lost && effect.kind !== 'destroy-key') {
    return { world, event: { ...base, kind: 'failed', effect, failure: KEY_LOST } };
  }
  switch (effect.kind) {
    case 'generate-key': {
      const { slot, id: made } = effect;
      const there = world.token[slot];
      // What an interrupted generation has made is known by its id; any other key is not touched.
      if (there !== undefined && there !== made && there !== world.lost)
        return { world, event: { ...base, kind: 'failed', effect, failure: OCCUPIED } };
      return {
        world: {
          ...(there === world.lost || made === world.lost ? remade(world) : world),
          token: { ...world.token, [slot]: made },
        },
        event: { ...base, kind: 'key-generated', key: { slot, id: made } },
      };
    }
    case 'request-leaf': {
      const leaf = leafOf(effect.key.id, effect.key.slot);
      const [notAfter, mark] = world.late ? [ENDS.late, "'"] : [ENDS.young, ''];
      const issued = { ...leaf, thumbprint: `${leaf.thumbprint}${mark}`, notAfter };
      return { world, event: { ...base, kind: 'leaf-issued', leaf: issued } };
    }
    case 'register': {
      const generation = effect.leaf.key.id;
      if (!accepts(world, generation) || !isLive(effect.leaf, world)) {
        const { pinned, ...others } = world;
        return { ...refused, world: pinned === generation ? others : world };
      }
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
      if (!isLive(effect.leaf, world)) return { world, event: { ...base, kind: 'failed', effect, failure: CLOSED } };
      if (world.hub !== effect.leaf.key.id) return refused;
      return { world, event: { ...base, kind: 'connected', thumbprint: effect.leaf.thumbprint, hub: placeOf(hub) } };
    }
    case 'destroy-key': {
      const token = { ...world.token };
      const { slot, id } = effect.key;
      if (slot !== 'given' && token[slot] === id) delete token[slot];
      return { world: { ...world, token }, event: { ...base, kind: 'key-destroyed', id } };
    }
  }
}

/** What was lost has been made anew. */
function remade({ lost: _, ...world }: World): World {
  return world;
}

const OCCUPIED = failure('NL-TOKEN-OCCUPIED');
const KEY_LOST = failure('NL-TOKEN-KEY');
const CLOSED = failure('NL-HUB-CLOSED');
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
  [
    'reprovision, within a minute',
    { ...asked, request: { ...request, from: 'method', action: 're-register' }, delayMs: 60_000 },
  ],
  ['roll --discard', { ...asked, request: { ...request, action: 'roll' }, discard: true }],
  ['csr', { ...base, kind: 'csr-asked', newKey: false, from: 'technician' }],
  ['csr --new-key', { ...base, kind: 'csr-asked', newKey: true, from: 'technician' }],
  ['requestCsr, newKey', { ...base, kind: 'csr-asked', newKey: true, from: 'method' }],
  ['started', { ...base, kind: 'started' }],
  ['woken', { ...base, kind: 'woken' }],
  ['woken later', { ...base, kind: 'woken', at: LATER }],
];

/** Somebody may bring a leaf for each key that a CSR could have been made for: that of the candidate, that of the current leaf. */
export function deliveries({ current, next }: RollState, world: World): readonly RollEvent[] {
  const own = next?.id === undefined ? undefined : { slot: next.slot, id: next.id };
  // A key that DPS may trust, or whose name nobody has heard, stays behind then until the next roll finds it: not looked at.
  const clear = next === undefined || (own !== undefined && !next.sent);
  const keys = clear ? [own, current?.key] : [own];
  return keys
    .filter((key) => key !== undefined)
    .map((key) => {
      const first = leafOf(key.id, key.slot);
      const again = current?.thumbprint === first.thumbprint ? { thumbprint: `${first.thumbprint}'` } : {};
      const leaf = { ...first, ...again, notAfter: world.late ? ENDS.late : ENDS.young };
      return { ...base, at: nowOf(world), kind: 'leaf-delivered', leaf, request: { ...request, action: 'roll' } };
    });
}

/** What operators can do to the far side at any moment. */
export function operators(world: World): readonly World[] {
  const { hub: _, ...forgotten } = world;
  const keys = [world.token.a, world.token.b].filter((id) => id !== undefined);
  const enrolled = world.enrolled === 'all' ? [] : [{ ...world, enrolled: keys }];
  return [{ ...world, enabled: !world.enabled }, forgotten, ...enrolled];
}

/** What time and the token can do at any moment: once each, as it does not come back. */
export function fates(world: World, { current, next }: RollState): readonly (readonly [name: string, world: World])[] {
  // Who issued to the same key after that has made another leaf, of which DPS and hub have not heard.
  const { pinned: _, hub: _forgotten, ...known } = world;
  const ages = world.late ? [] : ([['every leaf expires', { ...known, late: true }]] as const);
  const ids = world.lost === undefined ? [current?.key.id, next?.id] : [];
  const there = ids.filter((id) => id !== undefined && (world.token.a === id || world.token.b === id));
  return [...ages, ...there.map((lost) => ['a key is lost', { ...world, lost } as World] as const)];
}
