import { isAccepted, isTrusted, isUnheard } from '../../agent/roll/core/knots.ts';
import {
  type Answer,
  type Circumstances,
  isSince,
  type Memory,
  type Question,
  type Who,
} from '../../agent/roll/core/memory.ts';
import { budgetWait, waitFor, waitForSession } from '../../agent/roll/core/pace.ts';
import type { RollEffect } from '../../agent/roll/state.ts';
import { isCredible, isDue, lastResortAt } from '../../agent/roll/terms.ts';
import type { Pair } from './pair.ts';
import { circumstancesOf } from './step.ts';
import { FOREIGN, isLive, type Slots, type World } from './world.ts';

// The name of a pair. Two pairs that differ only in history are one: the trail, words, moments, the names of keys and leaves,
// and counts beyond their effect are left out. A count is cut where the code compares it, a moment is one that has come or not.

const bit = (is: unknown): string => (is ? '1' : '0');

/** The place of a number among these bounds. */
const place = (count: number, ...bounds: readonly number[]): string =>
  String(bounds.filter((bound) => count >= bound).length);

/** The owner of a key: none, the current leaf, the candidate, another program, no record; or its place among the old ones. */
function whose(id: string | undefined, { current, next, old }: Memory): string {
  if (id === undefined) return '-';
  if (id === current?.key.id) return 'c';
  if (id === next?.key.id) return 'n';
  const at = old.findIndex((one) => one.id === id);
  return at >= 0 ? String(at) : id === FOREIGN ? 'x' : '?';
}

function which(thumbprint: string | undefined, { current, next }: Memory): string {
  if (thumbprint === undefined) return '-';
  if (thumbprint === current?.thumbprint) return 'c';
  return thumbprint === next?.leaf?.thumbprint ? 'n' : '?';
}

/** Codes that the machine looks at. */
const CODES: Readonly<Record<string, string>> = {
  'NL-TOKEN-KEY': 'k',
  'NL-TOKEN-OCCUPIED': 'o',
  'NL-ISSUER-NEW-KEY': 'n',
  'NL-DPS-401002': 'd',
  'NL-DPS-HUB': 'h',
};

const LEAVES: readonly Who[] = ['current', 'next'];

function timesOf(question: Question, { verdict, times }: Answer, memory: Memory): string {
  if (question === 'sign') return place(times, 20);
  if (question === 'dps' || question === 'roll') return place(times, 2);
  if (question.startsWith('destroy')) return place(times, 5);
  if (!question.startsWith('connect') || verdict === 'broken') return place(times, 2, 3);
  if (verdict === 'refused') return place(times, 2, 10);
  const who = question === 'connect next' ? 'next' : 'current';
  return `${place(times, 2)}${bit(isUnheard(memory, who))}`;
}

function nameOfAnswer(question: Question, memory: Memory, c: Circumstances): string {
  const told = memory.answers[question];
  const { ask } = memory;
  const heard = bit(ask?.heard?.includes(question));
  if (told === undefined) return `-${heard}`;
  const { verdict, failure, again, lasting } = told;
  const code = (failure && CODES[failure.code]) ?? '.';
  const flags = `${bit(again)}${bit(lasting)}${bit(waitFor(question, memory, c) <= 0)}${bit(ask && isSince(told, ask))}${heard}`;
  return `${verdict[0]}${code}${timesOf(question, told, memory)}${flags}`;
}

const QUESTIONS: readonly Question[] = [
  'register current',
  'register next',
  'connect current',
  'connect next',
  'dps',
  'make',
  'issue',
  'roll',
  'sign',
];

/** The order of two answers. */
function orderOf({ answers }: Memory, one: Question, other: Question): string {
  const [first, second] = [answers[one], answers[other]];
  if (first === undefined || second === undefined) return '';
  return first.at < second.at ? '<' : first.at > second.at ? '>' : '=';
}

const CURES: ReadonlySet<string> = new Set(['dps-refused', 'rejected', 'key-lost']);
const OF_HUB: ReadonlySet<string> = new Set(['unreached', 'rejected']);

function nameOfCandidate({ memory, at }: Pair): string {
  const { next, current } = memory;
  if (next === undefined) return '-';
  const { key, isMade, leaf, from, because, isForPerson, isSecond, isDiscarded } = next;
  const why = because === undefined ? '-' : CURES.has(because) ? 'c' : 'w';
  const flags = [isMade, isForPerson, isSecond, isDiscarded, key.id === current?.key.id].map(bit).join('');
  const own = leaf && `${bit(isLive(leaf, at))}${bit(leaf.issuer === 'CA')}${bit(from === 'issuer')}`;
  return `${key.slot[0]}${why}${flags}${own ?? ''}`;
}

function nameOfCurrent({ memory, at, terms }: Pair): string {
  const { current } = memory;
  if (current === undefined) return '-';
  const isLate = isDue(memory as never, terms, at);
  const age = !isLive(current, at) ? 3 : at >= lastResortAt(current, terms.renewAt) ? 2 : isLate ? 1 : 0;
  return `${current.key.slot[0]}${age}${bit(isCredible(memory as never, terms, at))}`;
}

const KINDS: readonly RollEffect['kind'][] = ['register', 'request-leaf', 'generate-key', 'connect'];

function nameOfFlight(effect: RollEffect | undefined, memory: Memory): string {
  if (effect === undefined) return '-';
  if ('leaf' in effect) return `${effect.kind[0]}${which(effect.leaf.thumbprint, memory)}`;
  return `${effect.kind[0]}${whose(effect.kind === 'generate-key' ? effect.id : effect.key.id, memory)}`;
}

/** The memory, as far as what newleaf does depends on it. */
export function nameOfMemory(pair: Pair): string {
  const { memory, flying } = pair;
  const { at, trusts, ask, old, next, online, flaps, end, scheduled, poisoned = [] } = memory;
  const c = circumstancesOf(pair);
  const trust = (who: Who) => {
    const leaf = who === 'current' ? memory.current : next?.leaf;
    const one = leaf && trusts.find(({ thumbprint }) => thumbprint === leaf.thumbprint);
    return `${bit(one)}${bit(one?.isNew)}`;
  };
  const asked = ask && `${ask.request.action[2]}${ask.request.from[0]}${bit(OF_HUB.has(ask.request.reason))}`;
  const kept = old.map(({ id, slot, isRemembered }) => {
    const isKnown = trusts.some(({ keyId }) => keyId === id);
    return `${slot}${bit(isRemembered)}${bit(isKnown)}${nameOfAnswer(`destroy ${id}`, memory, c)}`;
  });
  return [
    nameOfCurrent(pair),
    nameOfCandidate(pair),
    ...LEAVES.map((who) => `${at[who]?.hub ?? '-'}${trust(who)}${bit(isAccepted(memory, who))}`),
    bit(isTrusted(memory)),
    kept.join('.'),
    asked === undefined ? '-' : `${asked}${bit(ask?.isAccepted)}${bit(ask?.heard)}`,
    bit(scheduled),
    online === undefined ? '-' : which(online.split('@')[0], memory) + bit(online.includes(at.current?.hub ?? '?')),
    `${place(flaps, 2, 3, 6)}${bit(end !== undefined && waitForSession(memory, c) > 0)}`,
    QUESTIONS.map((question) => nameOfAnswer(question, memory, c)).join(' '),
    orderOf(memory, 'register current', 'register next'),
    orderOf(memory, 'connect current', 'register next'),
    KINDS.map((kind) => bit(budgetWait(kind, memory, c) > 0)).join(''),
    bit(c.age < 60_000 && !online),
    bit(c.age < 60_000 && online === undefined),
    poisoned
      .map(
        ({ effect, at: moment }) =>
          `${place(pair.at - moment, 300_000, 21_600_000)}${effect.split(' ')[0]}${which(effect.split(' ')[1], memory)}`,
      )
      .join('.'),
    `${nameOfFlight(flying.work, memory)}${nameOfFlight(flying.session, memory)}`,
  ].join('|');
}

const nameOfSlots = ({ a, b, given }: Slots, memory: Memory): string =>
  [a, b, given].map((id) => whose(id, memory)).join('');

function nameOfWorld({ world, memory, at }: Pair): string {
  const { token, drawer = {}, pinned, enrolled, revoked } = world;
  const flags: readonly (keyof World)[] = ['keeps', 'isFull', 'enabled', 'isMoved'];
  const leaves = [memory.current, memory.next?.leaf].map((leaf) => {
    if (leaf === undefined) return '-';
    return `${bit(enrolled !== 'all' && enrolled.includes(leaf.thumbprint))}${bit(revoked?.includes(leaf.thumbprint))}`;
  });
  const trusted =
    pinned === undefined
      ? '-'
      : `${whose(pinned.key.id, memory)}${which(pinned.thumbprint, memory)}${bit(isLive(pinned, at))}`;
  return [
    nameOfSlots(token, memory),
    nameOfSlots(drawer, memory),
    trusted,
    which(world.hub, memory),
    flags.map((flag) => bit(world[flag])).join(''),
    ...leaves,
  ].join('|');
}

export function nameOf(pair: Pair): string {
  const kept = pair.world.isFull ? nameOfMemory({ ...pair, memory: { ...pair.disk, flaps: 0 }, flying: {} }) : '';
  return `${nameOfMemory(pair)}/${nameOfWorld(pair)}/${kept}`;
}
