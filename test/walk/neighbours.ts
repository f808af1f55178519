import { type Code, failure } from '../../agent/failure/failure.ts';
import { isSame } from '../../agent/roll/core/plan.ts';
import type { RollEffect } from '../../agent/roll/state.ts';
import { checkStep } from './answers.ts';
import { CLOCKS, fates, moments } from './fates.ts';
import type { Node, Pair } from './pair.ts';
import { deliveries, MOVED, operators, requests } from './people.ts';
import { advance, answer, type Lane, restarted, resultOf, type Stepped, type Told, wokenAt } from './step.ts';

/** A pair that lies one event away; with a law, where that is broken by the event. */
export type Neighbour = readonly [via: string, pair: Pair, law?: string];

/**
 * Failures of each effect that may come at any moment: no answer (the first), a mood of the issuer, a hub that lags DPS, a token
 * that fails, or whose module loses its state. DPS refuses only where the world says so.
 */
export const FAILURES: Readonly<Record<RollEffect['kind'], readonly [silence: Code, ...others: Code[]]>> = {
  'generate-key': ['NL-TOKEN-FAILED', 'NL-TOKEN-POISONED'],
  'request-leaf': ['NL-EST-UNREACHABLE', 'NL-EST-REFUSED', 'NL-ISSUER-NEW-KEY', 'NL-TOKEN-FAILED', 'NL-TOKEN-POISONED'],
  register: ['NL-DPS-UNREACHABLE', 'NL-DPS-HUB', 'NL-TOKEN-FAILED', 'NL-TOKEN-POISONED'],
  connect: ['NL-HUB-UNREACHABLE', 'NL-HUB-REJECTED', 'NL-TOKEN-FAILED', 'NL-TOKEN-POISONED'],
  'destroy-key': ['NL-TOKEN-FAILED', 'NL-TOKEN-POISONED'],
};

const LANES: readonly Lane[] = ['work', 'session'];

export function* neighbours(node: Node, { isFated = false }: { readonly isFated?: boolean }): Generator<Neighbour> {
  yield ['power cut', restarted(node)];
  for (const lane of LANES) if (node.flying[lane] !== undefined) yield* answers(node, lane);
  for (const [name, told] of [...requests(node), ...deliveries(node), ...ends(node)])
    yield* heard(name, node, advance(node, told));
  for (const [name, world] of operators(node))
    yield [name, name === MOVED ? ended({ ...node, world }) : { ...node, world }];
  for (const [name, at] of moments(node)) yield [name, wokenAt(node, at)];
  for (const [name, byMs] of CLOCKS) yield [name, clockSet(node, byMs)];
  if (!isFated) return;
  // A write is tried again with the next event.
  for (const [name, world] of fates(node))
    yield [name, node.world.isFull && !world.isFull ? wokenAt({ ...node, world }, node.at) : { ...node, world }];
}

/** The laws that one event has broken, then the pair after it. */
function* heard(name: string, node: Node, stepped: Stepped): Generator<Neighbour> {
  const laws: string[] = [];
  checkStep(node, stepped, (condition, law) => void (condition || laws.push(law)));
  for (const law of laws) yield [name, stepped.pair, law];
  yield [name, stepped.pair];
  // An attempt that newleaf has ended may have been done all the same.
  for (const lane of LANES) {
    const effect = node.flying[lane];
    const { work, session } = stepped.pair.flying;
    const isStill = effect && [work, session].some((one) => one && isSame(one, effect));
    if (effect === undefined || isStill || name.includes(effect.kind)) continue;
    const { world } = resultOf(node, effect, 'true');
    if (world !== node.world) yield [`${name}, and ${effect.kind} was done`, { ...stepped.pair, world }];
  }
}

/** All that an effect in flight can come to. */
function* answers(node: Node, lane: Lane): Generator<Neighbour> {
  const effect = node.flying[lane];
  if (effect === undefined) return;
  const { kind } = effect;
  yield* heard(`${kind} true`, node, answer(node, lane));
  const { world } = resultOf(node, effect, 'true');
  const isDone = world !== node.world;
  const [silence] = FAILURES[kind];
  for (const code of FAILURES[kind]) {
    const failed = answer(node, lane, code);
    yield* heard(`${kind} ${code}`, node, failed);
    if (code === silence && isDone) yield [`${kind} ${code}, and it was done`, { ...failed.pair, world }];
    if (kind !== 'generate-key' && kind !== 'request-leaf')
      yield [`${kind} ${code}, for long`, forLong(failed.pair, effect, code)];
  }
  if (isDone) yield [`${kind}, power cut`, restarted({ ...node, world })];
}

/** More attempts than any count is compared with. */
const LONG = 64;

/** Ladders that count have many rungs: the walk tells the first, and what comes after the last. */
function forLong(from: Pair, effect: RollEffect, code: Code): Pair {
  let pair = from;
  for (let tries = 0; tries < LONG && pair.state.phase === from.state.phase; tries += 1) {
    const lane = LANES.find((one) => {
      const flown = pair.flying[one];
      return flown !== undefined && isSame(flown, effect);
    });
    if (lane !== undefined) pair = answer(pair, lane, code).pair;
    else if (!isWanted(pair, effect) || !Number.isFinite(pair.plan.nextAt)) return pair;
    else pair = wokenAt(pair, Math.ceil(pair.at + pair.plan.nextAt - pair.up));
  }
  return pair;
}

const isWanted = ({ plan: { wanted, session } }: Pair, effect: RollEffect): boolean =>
  [...wanted, ...(session ? [session] : [])].some((one) => isSame(one.effect, effect));

/** A session ends, at once or after a day. */
function ends({ memory: { online } }: Pair): readonly (readonly [name: string, told: Told])[] {
  if (online === undefined) return [];
  const [thumbprint = ''] = online.split('@');
  const lost = { kind: 'lost', thumbprint, failure: failure('NL-HUB-CLOSED') } as const;
  return [
    ['the session ends at once', { ...lost, heldMs: 0 }],
    ['the session ends after a day', { ...lost, heldMs: 24 * 3_600_000 }],
  ];
}

/** Without the session that was open. */
function ended(pair: Pair): Pair {
  const [, [, told] = []] = ends(pair);
  return told === undefined ? pair : advance(pair, told).pair;
}

function clockSet(node: Node, byMs: number): Pair {
  const at = node.at + byMs;
  const isSetBack = (node.memory.lastSeen ?? 0) > at;
  return advance({ ...node, at }, { kind: 'woken', ...(isSetBack && { isSetBack }) }).pair;
}
