import { leafIn, madeKeyOf, mayBeTrusted } from '../../../agent/roll/candidate.ts';
import type { RollEvent, RollState } from '../../../agent/roll/state.ts';
import { nextMoment } from '../../../agent/roll/terms.ts';
import { HOUR, NOW } from './machine.ts';
import { type Pair, termsOf } from './pair.ts';
import { FOREIGN, isLive, issue, type World } from './world.ts';

const REQUEST = { id: 'r', reason: 'asked', from: 'technician', at: NOW } as const;

type Asked = RollEvent extends infer E ? (E extends RollEvent ? Omit<E, 'at' | 'draw'> : never) : never;

const asked = { kind: 'asked', delayMs: 0, discard: false } as const;
const roll = { ...asked, request: { ...REQUEST, action: 'roll' } } as const;

/** What people can ask of the machine at any moment. */
const REQUESTS: readonly (readonly [name: string, event: Asked])[] = [
  ['re-register', { ...asked, request: { ...REQUEST, action: 're-register' } }],
  ['roll', roll],
  [
    'reprovision, within a minute',
    { ...asked, request: { ...REQUEST, from: 'method', action: 're-register' }, delayMs: 60_000 },
  ],
  ['roll --discard', { ...roll, discard: true }],
  ['csr', { kind: 'csr-asked', newKey: false, sameKey: false, from: 'technician' }],
  ['csr --new-key', { kind: 'csr-asked', newKey: true, sameKey: false, from: 'technician' }],
  ['requestCsr, newKey', { kind: 'csr-asked', newKey: true, sameKey: false, from: 'method' }],
  ['started', { kind: 'started' }],
  ['woken', { kind: 'woken' }],
];

export function requests({ at, keepKey }: Pair): readonly (readonly [name: string, event: RollEvent])[] {
  return REQUESTS.map(([name, event]) => [
    name,
    { ...event, ...(event.kind === 'csr-asked' && { sameKey: keepKey }), at, draw: 0.5 } as RollEvent,
  ]);
}

/** The advice for a key that is lost, and for a candidate that is unwanted. */
export const rollNow = (at: number, discard: boolean): RollEvent => ({ ...roll, discard, at, draw: 0.5 });

/**
 * Somebody may bring a leaf for each key that a CSR could have been made for: that of the candidate, that of the current leaf;
 * signed by the CA of this gateway, or by another.
 */
export function deliveries(pair: Pair): readonly (readonly [name: string, event: RollEvent])[] {
  const { state, at } = pair;
  const { next, current } = state;
  const own = madeKeyOf(next);
  // A key that DPS may trust, or whose name nobody has heard, stays behind then until the next roll finds it: not looked at.
  const clear = next === undefined || (own !== undefined && !mayBeTrusted(next));
  const keys = [own, clear ? current?.key : undefined].filter((key) => key !== undefined);
  const request = { ...REQUEST, action: 'roll', reason: 'delivered' } as const;
  return keys.flatMap((key) =>
    [false, true].map((isStrange) => {
      const leaf = issue(pair, key, isStrange);
      const name = `leaf delivered${isStrange ? ' of another CA' : ''}`;
      return [name, { at, draw: 0.5, kind: 'leaf-delivered', leaf, request }] as const;
    }),
  );
}

/** What operators can do to the far side at any moment. */
export function operators({ world, state }: Pair): readonly (readonly [name: string, world: World])[] {
  const { hub: _, ...forgotten } = world;
  const switched = [
    world.enabled ? 'enrollment disabled' : 'enrollment enabled',
    { ...world, enabled: !world.enabled },
  ] as const;
  if (world.revoked !== undefined) {
    const revoked = [state.current, leafIn(state.next)].flatMap((leaf) => leaf?.thumbprint ?? []);
    return [switched, ['every leaf so far is revoked', { ...world, revoked }]];
  }
  return [
    switched,
    ['hub forgets the device', forgotten],
    ...(world.enrolled === 'all' ? [] : [['operator enrolls', enrolled(world, state)] as const]),
  ];
}

/** The operator has put every leaf that the gateway names into the enrollment. */
export function enrolled(world: World, { current, next }: RollState): World {
  if (world.enrolled === 'all') return world;
  const named = [current?.thumbprint, leafIn(next)?.thumbprint].filter((one) => one !== undefined);
  return { ...world, enrolled: named };
}

/** What happens to a token: a key is lost, it is swapped for another, and put back, it destroys no key, it has a key of others. */
export function fates({ world, state: { current, next } }: Pair): readonly (readonly [name: string, world: World])[] {
  const { token, drawer = {} } = world;
  const without = (id: string) => Object.fromEntries(Object.entries(token).filter(([, one]) => one !== id));
  const known = [current?.key.id, madeKeyOf(next)?.id].filter((id) => id !== undefined);
  const lost = [...new Set(known)].filter((id) => Object.values(token).includes(id));
  const free = (['a', 'b'] as const).find((slot) => token[slot] === undefined && current?.key.slot !== slot);
  const hasForeign = token.a === FOREIGN || token.b === FOREIGN;
  const { keeps, ...willing } = world;
  return [
    ...lost.map(
      (id) =>
        [
          id === current?.key.id ? 'the key of the current leaf is lost' : 'the key of the candidate is lost',
          { ...world, token: without(id) },
        ] as const,
    ),
    ['another token is plugged in', { ...world, token: drawer, drawer: token }],
    keeps ? ['the token destroys again', willing] : ['the token destroys no key', { ...world, keeps: true }],
    ...(hasForeign
      ? [['the foreign key is gone', { ...world, token: without(FOREIGN) }] as const]
      : free === undefined
        ? []
        : [['a foreign key is in the free slot', { ...world, token: { ...token, [free]: FOREIGN } }] as const]),
  ];
}

/** Moments to which time may pass: the next planned one; the end of each leaf that is known. */
export function moments(pair: Pair): readonly (readonly [name: string, at: number])[] {
  const { state, at } = pair;
  const planned = nextMoment(state, termsOf(pair), at);
  const ends = [state.current, leafIn(state.next)].filter((leaf) => leaf !== undefined && isLive(leaf, at));
  const last = Math.max(...ends.map((leaf) => leaf?.notAfter ?? 0));
  return [
    ...(planned === undefined ? [] : [['the next moment comes', planned] as const]),
    ...(ends.length === 0 ? [] : [['every leaf expires', last + HOUR] as const]),
  ];
}
