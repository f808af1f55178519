import { leafIn } from '../../../agent/roll/candidate.ts';
import type { Leaf } from '../../../agent/roll/leaf.ts';
import { effectsOf, type RollEffect } from '../../../agent/roll/state.ts';
import { everyStandingEnds, type Heard } from './ends.ts';
import { hub } from './machine.ts';
import { advance } from './named.ts';
import { type Pair, Pairs } from './pair.ts';
import { enrolled, rollNow } from './people.ts';
import { has, type Luck, perform, serves } from './world.ts';

/** A fault that stays, and the luck that an effect has with it; undefined where it is not about that effect. */
type Lasting = (effect: RollEffect, current: Leaf | undefined) => Luck | undefined;

const isOf = (effect: RollEffect, kind: RollEffect['kind'], ofCurrent: boolean, current: Leaf | undefined) =>
  effect.kind === kind && 'leaf' in effect && (effect.leaf.thumbprint === current?.thumbprint) === ofCurrent;

const LASTING: Readonly<Record<string, Lasting>> = {
  'the issuer does not answer': ({ kind }) => (kind === 'request-leaf' ? 'outage' : undefined),
  'the token makes no key': ({ kind }) => (kind === 'generate-key' ? 'outage' : undefined),
  'the token destroys no key': ({ kind }) => (kind === 'destroy-key' ? 'outage' : undefined),
  'the hub answers all but the candidate': (effect, current) =>
    isOf(effect, 'connect', false, current) ? 'outage' : undefined,
  'DPS answers all but the candidate': (effect, current) =>
    isOf(effect, 'register', false, current) ? 'outage' : undefined,
  'DPS answers all but the current leaf': (effect, current) =>
    isOf(effect, 'register', true, current) ? 'outage' : undefined,
  'the hub refuses the current leaf': (effect, current) =>
    isOf(effect, 'connect', true, current) ? 'refused' : undefined,
};

/** Hears of a law that does not hold, and of the pair in which it was seen. */
type Broken = (law: string, end: Pair) => void;
/** What must come of a pair. */
export type Proof = (pair: Pair, broken: Broken) => void;

const MINUTE = 60_000;
/** Long enough for each ladder to end, each probe to be asked twice, and far from the end of a leaf. */
const ROUNDS = 90;
const ROUND_MS = 15 * MINUTE;

/** All that must come of every pair: each knows the pairs of which it has seen already that they come to a good end. */
export function createProofs(heard?: Heard): readonly [Proof, ...Proof[]] {
  return [
    everyStandingEnds(heard),
    ...Object.entries(LASTING).map(([name, lasting]) => findsItsWay(name, lasting)),
    ...[undefined, ...Object.values(LASTING)].map(pauses),
  ];
}

/** Whatever single fault stays: a leaf that would serve in spite of it does serve. */
function findsItsWay(name: string, lasting: Lasting): Proof {
  const known = new Pairs<true>();
  // A session may outlive its leaf. When it ends, there is another pair.
  const isServed = (pair: Pair) => pair.state.online !== undefined || !hasWay(pair, lasting);
  return (pair, broken) => {
    const { keeps: _, ...willing } = pair.world;
    const end = run({ ...pair, world: { ...willing, enabled: true } }, lasting, known, isServed);
    if (end !== undefined) broken(`a leaf that would serve is tried: ${name}`, end);
  };
}

function hasWay({ state: { current, next }, world, at }: Pair, lasting: Lasting): boolean {
  // What somebody has discarded is not brought back by an outage: its key gets another leaf.
  return [current, leafIn(next)].some(
    (leaf) =>
      serves(world, leaf, at) &&
      lasting({ kind: 'register', leaf }, current) === undefined &&
      lasting({ kind: 'connect', leaf, assignment: hub }, current) === undefined,
  );
}

/** Plays until a pair is good, or known to come to a good end. Returns the pair that is left where that does not happen. */
function run(from: Pair, lasting: Lasting, known: Pairs<true>, isGood: (pair: Pair) => boolean): Pair | undefined {
  let pair = from;
  const path: Pair[] = [];
  const remember = () => {
    for (const one of path) known.set(one, true);
    return undefined;
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    pair = { ...pair, world: enrolled(pair.world, pair.state) };
    if (known.get(pair)) return remember();
    path.push(pair);
    if (isGood(pair)) return remember();
    for (const effect of effectsOf(pair.state)) {
      const { world, event } = perform(pair, effect, lasting(effect, pair.state.current) ?? 'true');
      pair = { ...pair, world, state: advance({ ...pair, world }, event).state };
    }
    const waits = effectsOf(pair.state).length === 0 || round % 4 === 3;
    const at = pair.at + (waits ? ROUND_MS * (round < 8 ? 1 : 4) : 0);
    const event = { kind: round === 2 ? 'started' : 'woken', at, draw: 0.5 } as const;
    pair = { ...pair, at, state: advance({ ...pair, at }, event).state };
    // The advice for a key that is lost.
    const isLost = pair.state.current !== undefined && !has(pair.world, pair.state.current.key);
    if (round % 10 === 9 && isLost) pair = { ...pair, state: advance(pair, rollNow(at, false)).state };
  }
  return pair;
}

/** More pieces of work than this in a row, and none of them tried again later, can only be a circle. */
const CIRCLE = 24;

/** No circle of effects is without a pause, however the world is, and whatever stays. */
function pauses(lasting: Lasting | undefined): Proof {
  const known = new Pairs<true>();
  return (from, broken) => {
    let pair = from;
    const path: Pair[] = [];
    const perform1 = (effect: RollEffect) => {
      const { world, event } = perform(pair, effect, lasting?.(effect, pair.state.current) ?? 'true');
      const { retry, state } = advance({ ...pair, world }, event);
      pair = { ...pair, world, state };
      return retry;
    };
    for (let done = 0; done < CIRCLE && known.get(pair) === undefined; ) {
      path.push(pair);
      const [work, session] = effectsOf(pair.state);
      if (work === undefined || perform1(work) !== undefined) break;
      done += 1;
      if (done === CIRCLE) return broken('no circle of effects is without a pause', pair);
      // The lane of the session runs beside it; it is heard once a turn.
      const beside = session ?? effectsOf(pair.state).find((effect) => isSession(effect, pair.state.current));
      if (beside?.kind === 'connect') perform1(beside);
    }
    for (const one of path) known.set(one, true);
  };
}

const isSession = (effect: RollEffect, current: Leaf | undefined): boolean =>
  effect.kind === 'connect' && effect.leaf.thumbprint === current?.thumbprint;
