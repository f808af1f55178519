import { AZURE_STAYS } from './azure/lasting.ts';
import type { Row } from './lasting.ts';

interface Bound {
  readonly name: string;
  readonly of: (row: Row) => number;
  readonly most: number;
  readonly because: string;
}

/** What a gateway may cost while one fault stays for good. */
export const DAILY: readonly Bound[] = [
  {
    name: 'registrations that DPS hears of in any hour',
    of: ({ worstHour }) => worstHour,
    most: 12,
    because: 'the ladder climbs from 5 seconds to an hour in seven steps, and a leaf that ends is replaced',
  },
  {
    name: 'registrations that DPS hears of',
    of: ({ aDay }) => aDay['reach DPS'],
    most: 47,
    because:
      'one in 37 to 40 minutes, one more before a leaf of three hours ends that nobody enrolls, and a few at once on the first day: 30,000 such gateways stay below the quota of DPS',
  },
  {
    name: 'registrations in all',
    of: ({ aDay }) => aDay.register,
    most: 190,
    because: 'a DPS that is not reached is tried every ten minutes, as the network may be back',
  },
  {
    name: 'questions to the issuer',
    of: ({ aDay }) => aDay.issue,
    most: 110,
    because: 'one that does not answer is asked every quarter of an hour',
  },
  {
    name: 'connects',
    of: ({ aDay }) => aDay.connect,
    most: 3_600,
    because: 'one a minute for the current leaf, and one for a candidate beside it',
  },
  {
    name: 'twin reads',
    of: ({ fault, aDay }) => (fault.startsWith('way: ') ? aDay['read twin'] : 0),
    most: 100,
    because: 'behind a box that ends idle sessions the third outlives the box, or a quarter of an hour is between two',
  },
  {
    name: 'percent of the time without a session behind a box that pings can outdo',
    of: ({ fault, online }) => (/^way: .* s$/.test(fault) ? 100 - online : 0),
    most: 3,
    because: 'pings go out before the box ends the session',
  },
  {
    name: 'journal writes',
    of: ({ aDay }) => aDay.write,
    most: 180,
    because: 'a roll that the hub refuses writes six times, and is tried some 24 times a day',
  },
  {
    name: 'keys',
    of: ({ aDay }) => aDay.generate,
    most: 300,
    because: 'a token that makes none is asked every five minutes',
  },
  {
    name: 'minutes until it serves again',
    of: ({ back }) => back,
    most: 75,
    because: 'a gateway that waits for a person, or for DPS, asks once an hour, with a quarter of an hour of jitter',
  },
];

/** Where Azure issues, these in place of others of the same name. */
export const AZURE_DAILY: readonly Bound[] = [
  {
    name: 'registrations that DPS hears of in any hour',
    of: ({ worstHour }) => worstHour,
    most: 14,
    because:
      'the hub of a device that was revoked is asked for first, and then a leaf, whose ladder has seven steps of its own',
  },
  {
    name: 'registrations that DPS hears of',
    of: ({ aDay }) => aDay['reach DPS'],
    most: 120,
    because:
      'it is the issuer, too: without a leaf that serves it is asked every quarter of an hour, and for the current leaf each hour',
  },
  {
    name: 'journal writes',
    of: ({ aDay }) => aDay.write,
    most: 200,
    because:
      'a roll that the hub refuses writes six times, and a registration of the current leaf three times, each once an hour',
  },
  {
    name: 'certificates',
    of: ({ aDay }) => aDay.certificate,
    most: 72,
    because: 'three within an hour',
  },
];

const boundsOf = ({ fault }: Row): readonly Bound[] =>
  AZURE_STAYS.has(fault)
    ? [...DAILY.filter(({ name }) => AZURE_DAILY.every((one) => one.name !== name)), ...AZURE_DAILY]
    : DAILY;

/** What a row breaks, in words. */
export const excess = (row: Row): readonly string[] =>
  boundsOf(row)
    .filter(({ of, most }) => of(row) > most)
    .map(({ name, of, most, because }) => `${row.fault}: ${of(row)} ${name}, and ${most} are enough: ${because}`);

const HEAD = [
  'fault that stays',
  'DPS, worst hour',
  'DPS a day',
  'issuer a day',
  'connects a day',
  'writes a day',
  'session open',
  'back after',
];

/** The rows as Markdown. A registration that never reached DPS is not counted. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ fault, worstHour, aDay, online, back }) => [
    fault,
    worstHour,
    aDay['reach DPS'],
    aDay.issue,
    aDay.connect,
    aDay.write,
    `${online} %`,
    back === 0 ? 'at once' : `${back} min`,
  ]);
  return [HEAD, HEAD.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
