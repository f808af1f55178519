import { AZURE_DEEDS } from './azure/deeds.ts';
import { AZURE_FAULTS } from './azure/faults.ts';
import { DEEDS, type Deed } from './deeds.ts';
import { diceOf } from './dice.ts';
import { FAULTS } from './faults.ts';
import { DAY, HOUR, MINUTE, SPAN_MS } from './gateway.ts';
import type { Origin } from './origin.ts';
import { WIDER_DEEDS, WIDER_FAULTS, widerOrigin } from './wider.ts';

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

const BEGINS = ['new', 'given', 'serving', 'serving', 'serving', 'serving', 'serving'] as const;
const LEFT = [0.2 * HOUR, 3 * HOUR, 6 * HOUR, 24 * HOUR, 30 * DAY];
const LIFETIMES = [5 * HOUR, 24 * HOUR, 30 * DAY];

const ONBOARDING_LEFT = [0, 2 * HOUR, 1_000 * DAY, 1_000 * DAY, 1_000 * DAY];

/** Who trusts what: as the dice of the seed say, or as a test asks for. */
export type Trust = 'leaf' | 'ca' | 'drawn';

/** The faults of the older seeds alone, those that were thought of later as well, or as the dice of the seed say. */
export type Worlds = 'older' | 'wider' | 'drawn';

/** The vector of a seed: always the same. What came later is drawn last, so that the stories of older seeds stay what they were. */
export function vectorOf(seed: number, trust: Trust = 'drawn', worlds: Worlds = 'drawn'): Vector {
  const draw = diceOf(seed);
  const older = olderOf(seed, draw, trust);
  const isWider = draw() < 0.4;
  if (worlds === 'older' || (worlds === 'drawn' && !isWider)) return older;
  const { spellOf, deedOf, upTo } = throwsOf(draw);
  return {
    origin: { ...older.origin, ...widerOrigin(draw, older.origin) },
    spells: [...older.spells, ...Array.from({ length: upTo(3) }, spellOf(WIDER_FAULTS))],
    deeds: [...older.deeds, ...Array.from({ length: upTo(3) }, deedOf(WIDER_DEEDS))].sort(byTime),
  };
}

function throwsOf(draw: () => number) {
  const upTo = (count: number) => Math.floor(draw() * count);
  const oneOf = <T>(list: readonly T[]): T => list[upTo(list.length)] as T;
  const moment = () => Math.round((draw() * SPAN_MS) / MINUTE) * MINUTE;
  const spellOf = (faults: ReadonlyMap<string, unknown>) => () => {
    const from = draw() < 0.3 ? 0 : moment();
    const until = draw() < 0.5 ? SPAN_MS : Math.min(SPAN_MS, from + Math.round((draw() * 3 * HOUR) / MINUTE) * MINUTE);
    return { fault: oneOf([...faults.keys()]), from, until };
  };
  const deedOf = (deeds: object) => () => ({ deed: oneOf(Object.keys(deeds) as Deed[]), at: moment() });
  return { upTo, oneOf, spellOf, deedOf };
}

function olderOf(seed: number, draw: () => number, trust: Trust): Vector {
  const { upTo, oneOf, spellOf, deedOf } = throwsOf(draw);
  const spells = Array.from({ length: 1 + upTo(3) }, spellOf(FAULTS));
  const deeds = Array.from({ length: upTo(5) }, deedOf(DEEDS));
  const origin: Origin = {
    seed,
    enrollment: draw() < 0.5 ? 'group' : 'individual',
    begins: oneOf(BEGINS),
    leftMs: oneOf(LEFT),
    lifetimeMs: oneOf(LIFETIMES),
    automatic: draw() < 0.85,
    keepKey: draw() < 0.15,
  };
  const isByCa = draw() < 0.25;
  if (trust === 'leaf' || (trust === 'drawn' && !isByCa)) return { origin, spells, deeds: deeds.sort(byTime) };
  return {
    origin: {
      ...origin,
      enrollment: 'group',
      begins: origin.begins === 'given' ? 'serving' : origin.begins,
      automatic: true,
      onboardingLeftMs: oneOf(ONBOARDING_LEFT),
    },
    spells: [...spells.slice(0, upTo(spells.length + 1)), ...Array.from({ length: upTo(3) }, spellOf(AZURE_FAULTS))],
    deeds: [...deeds, ...Array.from({ length: upTo(4) }, deedOf(AZURE_DEEDS))].sort(byTime),
  };
}

const byTime = (one: { readonly at: number }, other: { readonly at: number }): number => one.at - other.at;

const clock = (ms: number) =>
  `${String(Math.floor(ms / HOUR)).padStart(2, '0')}:${String(Math.floor((ms % HOUR) / MINUTE)).padStart(2, '0')}`;

/** A vector as a story. */
export function told({ origin, spells, deeds }: Vector): string {
  const { enrollment, begins, leftMs, lifetimeMs, automatic, keepKey, onboardingLeftMs, seed } = origin;
  const { minRollIntervalMs, signsOnce } = origin;
  const first =
    begins === 'new' ? 'a new gateway' : `a ${begins === 'given' ? 'given ' : ''}leaf with ${leftMs / HOUR} h left`;
  const azure =
    onboardingLeftMs === undefined
      ? ''
      : ` from Azure, the onboarding certificate has ${onboardingLeftMs / HOUR} h left`;
  const issuer = automatic ? `leaves of ${lifetimeMs / HOUR} h${azure}` : 'a person brings leaves';
  const lines = [
    ...spells.map(({ fault, from, until }) => ({ at: from, line: `${clock(from)} to ${clock(until)}  ${fault}` })),
    ...deeds.map(({ deed, at }) => ({ at, line: `${clock(at)}           ${deed}` })),
  ].sort((one, other) => one.at - other.at);
  return [
    `seed ${seed}: ${enrollment} enrollment, ${first}, ${issuer}${keepKey ? ', the key is kept' : ''}${signsOnce ? ', the CA signs each key once' : ''}${minRollIntervalMs ? `, ${minRollIntervalMs / HOUR} h between rolls` : ''}`,
    ...lines.map(({ line }) => line),
  ].join('\n');
}
