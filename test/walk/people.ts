import type { Memory } from '../../agent/roll/core/memory.ts';
import type { Request } from '../../agent/roll/state.ts';
import type { Node, Pair } from './pair.ts';
import type { Told } from './step.ts';
import { issue, type World } from './world.ts';

type Named<T> = readonly (readonly [name: string, what: T])[];

const requestOf = ({ at }: Pick<Pair, 'at'>): Omit<Request, 'action'> => ({
  id: 'r',
  reason: 'asked',
  from: 'technician',
  at,
});

const NOW = { kind: 'asked', delayMs: 0, discard: false } as const;

/** A technician rolls. */
export const rollNow = (pair: Pair, discard: boolean): Told => ({
  ...NOW,
  discard,
  request: { ...requestOf(pair), action: 'roll' },
});

/** A technician asks for a CSR. @param isLost the token does not have the key of the last one */
export const csrNow = ({ terms }: Pair, isLost = false): Told => ({
  kind: 'csr-asked',
  newKey: isLost,
  sameKey: terms.keepKey,
  ...(isLost && { isLost }),
  from: 'technician',
});

/** What people can ask of newleaf at any moment. */
export function requests(pair: Pair): Named<Told> {
  const asked = requestOf(pair);
  const method = { ...asked, from: 'method' } as const;
  return [
    ['re-register', { ...NOW, request: { ...asked, action: 're-register' } }],
    ['roll', rollNow(pair, false)],
    ['reprovision by a method', { ...NOW, request: { ...method, action: 're-register' } }],
    ['reprovision, within a minute', { ...NOW, request: { ...method, action: 're-register' }, delayMs: 60_000 }],
    ['roll, within a minute', { ...NOW, request: { ...method, action: 'roll' }, delayMs: 60_000 }],
    ['roll --discard', rollNow(pair, true)],
    ['csr', csrNow(pair)],
    ['csr --new-key', { ...csrNow(pair), newKey: true } as Told],
    ['requestCsr, newKey', { ...csrNow(pair), newKey: true, from: 'method' } as Told],
  ];
}

/**
 * A person may bring a leaf for each key that a CSR could have been made for: that of the candidate, that of the current leaf;
 * signed by the CA of this gateway, or by another.
 */
export function deliveries(pair: Pair): Named<Told> {
  const { next, current, old } = pair.memory;
  // Where another key is named, the daemon takes none for the current key (agent/daemon/delivery.ts), unless it was named meanwhile.
  const isLate = next !== undefined && old.length > 1;
  const own = next?.isMade ? next.key : undefined;
  const kept = current?.key.id === own?.id || isLate ? undefined : current?.key;
  const keys = [own, kept].filter((key) => key !== undefined);
  const request = { ...requestOf(pair), id: 'd', action: 'roll', reason: 'delivered' } as const;
  return keys.flatMap((key) =>
    [false, true].map((isStrange) => {
      const name = `leaf delivered for key ${key.id === current?.key.id ? 'of the current leaf' : 'of the candidate'}`;
      const leaf = issue(key, pair.at, isStrange);
      return [`${name}${isStrange ? ', of another CA' : ''}`, { kind: 'leaf-delivered', leaf, request }] as const;
    }),
  );
}

/** The hub is gone: a session with it ends. */
export const MOVED = 'moved to another hub';

/** What operators can do to the far side at any moment. */
export function operators({ world, memory }: Node): Named<World> {
  const { hub: _, isMoved, ...here } = world;
  const moved: World = isMoved ? { ...here, ...(world.hub && { hub: world.hub }) } : { ...world, isMoved: true };
  const all: Named<World> = [
    [world.enabled ? 'enrollment disabled' : 'enrollment enabled', { ...world, enabled: !world.enabled }],
    [MOVED, moved],
  ];
  if (world.revoked !== undefined) {
    const revoked = [memory.current, memory.next?.leaf].flatMap((leaf) => leaf?.thumbprint ?? []);
    return [...all, ['every leaf so far is revoked', { ...world, revoked }]];
  }
  const forgotten: World = isMoved ? { ...here, isMoved } : here;
  const enrolls = world.enrolled === 'all' ? [] : [['operator enrolls', enrolled(world, memory)] as const];
  return [...all, ['hub forgets the device', forgotten], ...enrolls];
}

/** The operator has put every leaf that the gateway names into the enrollment. */
export function enrolled(world: World, { current, next }: Memory): World {
  if (world.enrolled === 'all') return world;
  const named = [current?.thumbprint, next?.leaf?.thumbprint].filter((one) => one !== undefined);
  return { ...world, enrolled: named };
}
