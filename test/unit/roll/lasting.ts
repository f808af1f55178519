import type { Code } from '../../../agent/failure/failure.ts';
import { leafIn } from '../../../agent/roll/candidate.ts';
import type { Leaf } from '../../../agent/roll/leaf.ts';
import { isSession } from '../../../agent/roll/poison.ts';
import { effectsOf, type RollEffect } from '../../../agent/roll/state.ts';
import { everyStandingEnds, type Heard } from './ends.ts';
import { hub } from './machine.ts';
import { advance } from './named.ts';
import { type Pair, Pairs } from './pair.ts';
import { enrolled, rollNow } from './people.ts';
import { has, type Luck, perform, serves } from './world.ts';

/** A fault that stays, and the luck that an effect has with it; undefined where it is not about that effect. */
type Lasting = (effect: RollEffect, current: Leaf | undefined) => Luck | undefined;

const SIGNS_NONE = { register: 'NL-TOKEN-FAILED', connect: 'NL-TOKEN-FAILED' } as const;
const COSTS = { register: 'NL-TOKEN-POISONED', connect: 'NL-TOKEN-POISONED' } as const;

/** The same failure of one kind of effect, with any leaf or key. */
const always =
  (kind: RollEffect['kind'], code: Code): Lasting =>
  (effect) =>
    effect.kind === kind ? code : undefined;

/** The same failure with one leaf. */
const about =
  (whose: 'current' | 'candidate', codes: Partial<Record<'register' | 'connect', Code>>): Lasting =>
  (effect, current) => {
    if (effect.kind !== 'register' && effect.kind !== 'connect') return undefined;
    return (effect.leaf.thumbprint === current?.thumbprint) === (whose === 'current') ? codes[effect.kind] : undefined;
  };

const LASTING: Readonly<Record<string, Lasting>> = {
  'the issuer does not answer': always('request-leaf', 'NL-EST-UNREACHABLE'),
  'the issuer demands another key': always('request-leaf', 'NL-ISSUER-NEW-KEY'),
  'the token makes no key': always('generate-key', 'NL-TOKEN-FAILED'),
  'making a key costs the process': always('generate-key', 'NL-TOKEN-POISONED'),
  'the token signs no CSR': always('request-leaf', 'NL-TOKEN-FAILED'),
  'the token loses each key that it makes': always('request-leaf', 'NL-TOKEN-KEY'),
  'the token destroys no key': always('destroy-key', 'NL-TOKEN-FAILED'),
  'the hub answers all but the candidate': about('candidate', { connect: 'NL-HUB-UNREACHABLE' }),
  'the hub refuses the candidate': about('candidate', { connect: 'NL-HUB-REJECTED' }),
  'the hub refuses the current leaf': about('current', { connect: 'NL-HUB-REJECTED' }),
  'DPS answers all but the candidate': about('candidate', { register: 'NL-DPS-SERVER' }),
  'DPS answers all but the current leaf': about('current', { register: 'NL-DPS-SERVER' }),
  'DPS refuses the candidate': about('candidate', { register: 'NL-DPS-401002' }),
  'DPS refuses the current leaf': about('current', { register: 'NL-DPS-401002' }),
  'the token signs no handshake of the candidate': about('candidate', SIGNS_NONE),
  'the token signs no handshake of the current leaf': about('current', SIGNS_NONE),
  'a handshake of the candidate costs the process': about('candidate', COSTS),
  'a handshake of the current leaf costs the process': about('current', COSTS),
};

/** Hears of a law that does not hold, and of the pair in which it was seen. */
type Broken = (law: string, end: Pair) => void;
/** What must come of a pair. */
export type Proof = (pair: Pair, broken: Broken) => void;

const MINUTE = 60_000;
/** Long enough for each ladder to end, and each probe to be asked twice: the end of a leaf must not come to the rescue. */
const ROUNDS = 90;
const DAY_MS = 24 * 60 * MINUTE;
const ROUND_MS = 15 * MINUTE;

/** All that must come of every pair: each knows the pairs of which it has seen already that they come to a good end. */
export function createProofs(heard?: Heard): readonly [Proof, ...Proof[]] {
  return [
    everyStandingEnds(heard),
    meetsNoHub(findsItsWay('its hub is gone, and DPS names another', () => undefined)),
    pauses('all is well'),
    ...Object.entries(LASTING).map(([name, lasting]) =>
      met(lasting, findsItsWay(name, lasting), pauses(name, lasting)),
    ),
  ];
}

/** From the pairs on that meet the fault now: the others lead to one of them, which is visited, or never meet it. */
const met =
  (lasting: Lasting, ...proofs: readonly Proof[]): Proof =>
  (pair, broken) => {
    if (!effectsOf(pair.state).some((effect) => lasting(effect, pair.state.current) !== undefined)) return;
    for (const proof of proofs) proof(pair, broken);
  };

/** The hub of the session, or of the next one, is gone. */
const meetsNoHub =
  (proof: Proof): Proof =>
  (pair, broken) => {
    const { online: _, ...state } = pair.state;
    if (state.assignment !== undefined) proof({ ...pair, state, world: { ...pair.world, isMoved: true } }, broken);
  };

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

function hasWay({ state: { current, next }, world, at, trust }: Pair, lasting: Lasting): boolean {
  // Under a CA the current leaf is not tried again where the hub has refused it and refuses each other one: known, and open.
  if (trust === 'ca' && lasting === LASTING['the hub refuses the candidate']) return false;
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
  for (let round = 0; round < ROUNDS && pair.at < from.at + DAY_MS; round += 1) {
    pair = { ...pair, world: enrolled(pair.world, pair.state) };
    if (isGood(pair) || known.get(pair)) return remember();
    path.push(pair);
    const { current } = pair.state;
    const lucks = effectsOf(pair.state).map((effect) => [effect, lasting(effect, current) ?? 'true'] as const);
    // What ends the process may come first: then nothing else of this round is done.
    for (const [effect, luck] of lucks.toSorted(([, one], [, other]) => Number(isEnd(other)) - Number(isEnd(one)))) {
      const { world, event } = perform(pair, effect, luck);
      const { state, restart } = advance({ ...pair, world }, event);
      pair = { ...pair, world, state };
      if (restart) break;
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

const isEnd = (luck: Luck): boolean => luck === 'NL-TOKEN-POISONED';

/** More pieces of work than this in a row, and none of them tried again later, can only be a circle. */
const CIRCLE = 24;

/** No circle of effects is without a pause, however the world is, and whatever stays. */
function pauses(name: string, lasting?: Lasting): Proof {
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
      if (done === CIRCLE) return broken(`no circle of effects is without a pause: ${name}`, pair);
      // The lane of the session runs beside it; it is heard once a turn.
      const beside = session ?? effectsOf(pair.state).find((effect) => isSession(effect, pair.state.current));
      if (beside?.kind === 'connect') perform1(beside);
    }
    for (const one of path) known.set(one, true);
  };
}
