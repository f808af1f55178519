import type { Code } from '../../agent/failure/failure.ts';
import type { Leaf } from '../../agent/roll/leaf.ts';
import type { RollEffect } from '../../agent/roll/state.ts';
import { everyStandingEnds, type Heard, longName, type Proof } from './ends.ts';
import { MINUTE, type Pair } from './pair.ts';
import { rollNow } from './people.ts';
import { type Lucks, mended, turned } from './played.ts';
import { advance, type Luck } from './step.ts';
import { assignedBy, has, serves } from './world.ts';

/** A fault that stays, and the luck that an effect has with it; undefined where it is not about that effect. */
export type Lasting = (effect: RollEffect, current: Leaf | undefined) => Luck | undefined;

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

export const LASTING: Readonly<Record<string, Lasting>> = {
  'the issuer does not answer': always('request-leaf', 'NL-EST-UNREACHABLE'),
  'the issuer refuses': always('request-leaf', 'NL-EST-REFUSED'),
  'the issuer demands another key': always('request-leaf', 'NL-ISSUER-NEW-KEY'),
  'the token makes no key': always('generate-key', 'NL-TOKEN-FAILED'),
  'making a key costs the process': always('generate-key', 'NL-TOKEN-POISONED'),
  'the token signs no CSR': always('request-leaf', 'NL-TOKEN-FAILED'),
  'the token loses each key that it makes': always('request-leaf', 'NL-TOKEN-KEY'),
  'the token destroys no key': always('destroy-key', 'NL-TOKEN-FAILED'),
  'DPS does not answer': always('register', 'NL-DPS-TIMEOUT'),
  'no hub answers': always('connect', 'NL-HUB-UNREACHABLE'),
  'each hub refuses': always('connect', 'NL-HUB-REJECTED'),
  'the hub answers all but the candidate': about('candidate', { connect: 'NL-HUB-UNREACHABLE' }),
  'the hub refuses the candidate': about('candidate', { connect: 'NL-HUB-REJECTED' }),
  'the hub refuses the current leaf': about('current', { connect: 'NL-HUB-REJECTED' }),
  'DPS answers all but the candidate': about('candidate', { register: 'NL-DPS-TIMEOUT' }),
  'DPS answers all but the current leaf': about('current', { register: 'NL-DPS-TIMEOUT' }),
  'DPS refuses the candidate': about('candidate', { register: 'NL-DPS-401002' }),
  'DPS refuses the current leaf': about('current', { register: 'NL-DPS-401002' }),
  'the token signs no handshake of the candidate': about('candidate', SIGNS_NONE),
  'the token signs no handshake of the current leaf': about('current', SIGNS_NONE),
  'a handshake of the candidate costs the process': about('candidate', COSTS),
  'a handshake of the current leaf costs the process': about('current', COSTS),
};

export const lucksOf =
  (lasting: Lasting): Lucks =>
  (effect, { memory }) =>
    lasting(effect, memory.current) ?? 'true';

/** All that must come of every pair: each knows the pairs of which it has seen already that they come to a good end. */
export function createProofs(heard?: Heard): readonly Proof[] {
  const all = Object.entries(LASTING).map(([name, lasting]) => met(lasting, findsItsWay(name, lasting)));
  return [everyStandingEnds(heard), findsItsWay('all is well', () => undefined), ...all];
}

/** From the pairs on that meet the fault now: the others lead to one of them, which is visited, or never meet it. */
const met =
  (lasting: Lasting, proof: Proof): Proof =>
  (pair, broken) => {
    // A hub that is gone is a second fault.
    if (pair.world.isMoved) return;
    const { work, session } = pair.flying;
    const isMet = [work, session].some((one) => one && lasting(one, pair.memory.current) !== undefined);
    if (isMet) proof(pair, broken);
  };

/** Two leaves by turns, with their jitter, and the work itself: a leaf that would serve is tried within this time. */
const PATIENCE_MS = 160 * MINUTE;
/** A technician follows the advice for a lost key after this. */
const ADVISED_MS = 90 * MINUTE;
/** More answers than this in a row, and no pause between them, can only be a circle. */
const CIRCLE = 40;

/** Whatever single fault stays: a leaf that would serve in spite of it does serve, and no circle of effects is without a pause. */
function findsItsWay(law: string, lasting: Lasting): Proof {
  const known = new Set<string>();
  return (from, broken) => {
    let pair = mended(from);
    const begin = pair.at;
    const path: string[] = [];
    for (let answers = 0; !(isAtRest(pair) && isGood(pair, lasting)); answers = isAtRest(pair) ? 0 : answers + 1) {
      const name = longName(pair);
      if (known.has(name)) break;
      path.push(name);
      if (answers > CIRCLE) return broken(`no circle of effects is without a pause: ${law}`, pair);
      if (pair.at - begin > PATIENCE_MS) return broken(`a leaf that would serve is tried: ${law}`, pair);
      const { current } = pair.memory;
      const isLost = current !== undefined && !has(pair.world, current.key);
      const isAdvised = isLost && pair.at - begin >= ADVISED_MS && path.every((one) => one !== ADVISED);
      if (isAdvised) path.push(ADVISED);
      pair = isAdvised ? advance(pair, rollNow(pair, false)).pair : turned(pair, lucksOf(lasting));
    }
    for (const name of path) known.add(name);
  };
}

const ADVISED = 'advised';

const isAtRest = ({ flying: { work, session } }: Pair): boolean => work === undefined && session === undefined;

/** A session may outlive its leaf: when it ends, there is another pair. */
const isGood = (pair: Pair, lasting: Lasting): boolean => pair.memory.online !== undefined || !hasWay(pair, lasting);

function hasWay({ memory: { current, next }, world, at, terms }: Pair, lasting: Lasting): boolean {
  const assignment = assignedBy(world);
  // A leaf that a person has discarded is not brought back by an outage: its key gets another.
  return [current, next?.isDiscarded ? undefined : next?.leaf].some(
    (leaf) =>
      serves(world, leaf, at) &&
      lasting({ kind: 'register', leaf }, current) === undefined &&
      lasting({ kind: 'connect', leaf, assignment }, current) === undefined &&
      terms.attestation === 'x509',
  );
}
