import type { Leaf } from '../../../agent/roll/leaf.ts';
import { effectsOf, type RollEffect, type RollEvent, session } from '../../../agent/roll/state.ts';
import { hub, NOW } from './machine.ts';
import { advance } from './named.ts';
import { keyOf, type Pair } from './pair.ts';
import { accepts, inWorld, isLive, type Luck, nowOf, perform, serves, type World } from './world.ts';

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

const REQUEST = { id: 'r', action: 'roll', reason: 'asked', from: 'technician', at: NOW } as const;

const ROLL: RollEvent = { at: NOW, draw: 0.5, kind: 'asked', request: REQUEST, delayMs: 0, discard: false };

const MINUTE = 60_000;
/** Long enough for each ladder to end, each probe to be asked twice, and far from the end of a leaf. */
const ROUNDS = 90;
const ROUND_MS = 15 * MINUTE;

/** All that must come of every pair: each knows the pairs of which it has seen already that they come to a good end. */
export function createProofs(): readonly [Proof, ...Proof[]] {
  return [
    comesToRest(),
    ...Object.entries(LASTING).map(([name, lasting]) => findsItsWay(name, lasting)),
    ...[undefined, ...Object.values(LASTING)].map(pauses),
  ];
}

/** Once faults stop and the operator has enrolled what is there, everything comes to rest in good order. */
function comesToRest(): Proof {
  const known = new Set<number>();
  return ({ state, world }, broken) => {
    const healed: World = { ...world, enrolled: 'all', enabled: true };
    const end = run(
      { state, world: healed },
      () => undefined,
      known,
      (pair) => whatIsLeft(pair) === undefined,
    );
    if (end !== undefined) broken(whatIsLeft(end) ?? 'everything settles once faults stop', end);
  };
}

/** Whatever single fault stays: a leaf that would serve in spite of it does serve. */
function findsItsWay(name: string, lasting: Lasting): Proof {
  const known = new Set<number>();
  return ({ state, world }, broken) => {
    const healed: World = { ...world, enrolled: 'all', enabled: true };
    // A session may outlive its leaf. When it ends, there is another pair.
    const isServed = (pair: Pair) => pair.state.online !== undefined || !hasWay(pair, lasting);
    const end = run({ state, world: healed }, lasting, known, isServed);
    if (end !== undefined) broken(`a leaf that would serve is tried: ${name}`, end);
  };
}

function hasWay({ state: { current, next }, world }: Pair, lasting: Lasting): boolean {
  // What somebody has discarded is not brought back by an outage.
  return [current, next?.unwanted === true ? undefined : next?.leaf].some(
    (leaf) =>
      serves(world, leaf) &&
      lasting({ kind: 'register', leaf }, current) === undefined &&
      lasting({ kind: 'connect', leaf, assignment: hub }, current) === undefined,
  );
}

/** Plays until a pair is good, or known to come to a good end. Returns the pair that is left where that does not happen. */
function run(from: Pair, lasting: Lasting, known: Set<number>, isGood: (pair: Pair) => boolean): Pair | undefined {
  let { state, world } = from;
  const path: number[] = [];
  const remember = () => {
    for (const key of path) known.add(key);
    return undefined;
  };
  let waited = 0;
  const hear = (event: RollEvent) => {
    state = advance(state, { ...event, at: event.at + waited }, world).state;
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const key = keyOf({ state, world });
    if (known.has(key)) return remember();
    path.push(key);
    if (isGood({ state, world })) return remember();
    for (const effect of effectsOf(state)) {
      const met = perform(world, effect, lasting(effect, state.current) ?? 'true');
      world = met.world;
      hear(met.event);
    }
    if (effectsOf(state).length === 0 || round % 4 === 3) waited += ROUND_MS * (round < 8 ? 1 : 4);
    hear({ kind: round === 2 ? 'started' : 'woken', at: nowOf(world), draw: 0.5 });
    // The advice for a key that is lost, and for a leaf that nobody brings.
    if (round % 10 === 9 && state.current?.key.id === world.lost) hear(inWorld(ROLL, world));
  }
  return { state, world };
}

function whatIsLeft({ state, world }: Pair): string | undefined {
  const { phase, current, next, online, request, retire } = state;
  if (phase !== 'serving' || current === undefined) return 'everything settles once faults stop';
  if (online !== session(current, hub) || !isLive(current, world)) return 'the session is open';
  // A refusal that is over does not end a session: what counts is what the hub was told last.
  if (world.hub !== current.key.id || !accepts(world, current.key.id)) return 'DPS trusts the current leaf';
  if (request !== undefined) return 'no request is left in flight';
  if (retire !== undefined) return 'nothing is left to be retired';
  const found = [world.token.a, world.token.b].filter((id) => id !== undefined);
  const isKept = found.every((id) => id === current.key.id || id === next?.id || id === world.lost);
  if (!isKept) return 'no key is left behind in the token';
  return next === undefined || next.waitsFor !== undefined
    ? undefined
    : 'a candidate that may register has become current';
}

/** More pieces of work than this in a row, and none of them tried again later, can only be a circle. */
const CIRCLE = 24;

/** No circle of effects is without a pause, however the world is, and whatever stays. */
function pauses(lasting: Lasting | undefined): Proof {
  const known = new Set<number>();
  return (pair, broken) => {
    let { state, world } = pair;
    const path: number[] = [];
    for (let done = 0; done < CIRCLE; ) {
      const key = keyOf({ state, world });
      if (known.has(key)) break;
      path.push(key);
      const [work, session] = effectsOf(state);
      if (work === undefined) break;
      const met = perform(world, work, lasting?.(work, state.current) ?? 'true');
      const { retry, state: after } = advance(state, met.event, met.world);
      world = met.world;
      state = after;
      if (retry !== undefined) break;
      done += 1;
      if (done === CIRCLE) return broken('no circle of effects is without a pause', { state, world });
      // The lane of the session runs beside it; it is heard once a turn.
      const beside =
        session ?? effectsOf(state).find((effect) => effect.kind === 'connect' && isSession(effect, state.current));
      if (beside?.kind !== 'connect') continue;
      const heard = perform(world, beside, lasting?.(beside, state.current) ?? 'true');
      world = heard.world;
      state = advance(state, heard.event, world).state;
    }
    for (const key of path) known.add(key);
  };
}

const isSession = (effect: RollEffect, current: Leaf | undefined): boolean =>
  'leaf' in effect && effect.leaf.thumbprint === current?.thumbprint;
