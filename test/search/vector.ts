import { DEEDS, type Deed } from './deeds.ts';
import { diceOf } from './dice.ts';
import { FAULTS } from './faults.ts';
import { DAY, HOUR, MINUTE, type Origin } from './gateway.ts';

/** A fault that is there for a while. */
export interface Spell {
  readonly fault: string;
  /** Since the begin, in milliseconds. */
  readonly from: number;
  readonly until: number;
}

export interface Vector {
  readonly origin: Origin;
  readonly spells: readonly Spell[];
  readonly deeds: readonly { readonly deed: Deed; readonly at: number }[];
}

/** How long faults are laid, in milliseconds. */
export const SPAN_MS = 10 * HOUR;

const BEGINS = ['new', 'given', 'serving', 'serving', 'serving', 'serving', 'serving'] as const;
const LEFT = [0.2 * HOUR, 3 * HOUR, 6 * HOUR, 24 * HOUR, 30 * DAY];
const LIFETIMES = [5 * HOUR, 24 * HOUR, 30 * DAY];

/** The vector of a seed: always the same. */
export function vectorOf(seed: number): Vector {
  const draw = diceOf(seed);
  const upTo = (count: number) => Math.floor(draw() * count);
  const oneOf = <T>(list: readonly T[]): T => list[upTo(list.length)] as T;
  const moment = () => Math.round((draw() * SPAN_MS) / MINUTE) * MINUTE;
  const spells = Array.from({ length: 1 + upTo(3) }, () => {
    const from = draw() < 0.3 ? 0 : moment();
    const until = draw() < 0.5 ? SPAN_MS : Math.min(SPAN_MS, from + Math.round((draw() * 3 * HOUR) / MINUTE) * MINUTE);
    return { fault: oneOf([...FAULTS.keys()]), from, until };
  });
  const deeds = Array.from({ length: upTo(5) }, () => ({ deed: oneOf(Object.keys(DEEDS) as Deed[]), at: moment() }));
  return {
    origin: {
      seed,
      enrollment: draw() < 0.5 ? 'group' : 'individual',
      begins: oneOf(BEGINS),
      leftMs: oneOf(LEFT),
      lifetimeMs: oneOf(LIFETIMES),
      automatic: draw() < 0.85,
      keepKey: draw() < 0.15,
    },
    spells,
    deeds: deeds.sort((one, other) => one.at - other.at),
  };
}

const clock = (ms: number) =>
  `${String(Math.floor(ms / HOUR)).padStart(2, '0')}:${String(Math.floor((ms % HOUR) / MINUTE)).padStart(2, '0')}`;

/** A vector as a story. */
export function told({ origin, spells, deeds }: Vector): string {
  const { enrollment, begins, leftMs, lifetimeMs, automatic, keepKey, seed } = origin;
  const first =
    begins === 'new' ? 'a new gateway' : `a ${begins === 'given' ? 'given ' : ''}leaf with ${leftMs / HOUR} h left`;
  const issuer = automatic ? `leaves of ${lifetimeMs / HOUR} h` : 'a person brings leaves';
  const lines = [
    ...spells.map(({ fault, from, until }) => ({ at: from, line: `${clock(from)} to ${clock(until)}  ${fault}` })),
    ...deeds.map(({ deed, at }) => ({ at, line: `${clock(at)}           ${deed}` })),
  ].sort((one, other) => one.at - other.at);
  return [
    `seed ${seed}: ${enrollment} enrollment, ${first}, ${issuer}${keepKey ? ', the key is kept' : ''}`,
    ...lines.map(({ line }) => line),
  ].join('\n');
}
