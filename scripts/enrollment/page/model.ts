import { codeOf, type Seen } from '../newleaf.ts';
import type { Sum } from '../sum.ts';
import { type Ailment, ailmentsOf } from './ailments.ts';

/** What a page is made of. */
export interface Fleet {
  readonly hub: string;
  /** That all devices meet; undefined where all of the hub are there. */
  readonly condition: string | undefined;
  readonly devices: readonly Seen[];
  readonly sum: Sum;
  readonly now: number;
}

/** In the page as JSON. Texts that many gateways share stand in it once. */
export interface Model {
  readonly hub: string;
  readonly condition: string | null;
  /** ISO 8601. */
  readonly at: string;
  /** As `fleet --json` has it. */
  readonly sum: object;
  readonly wrong: readonly (Omit<Ailment, 'devices'> & { readonly devices: number })[];
  /** Leaves that end on a day (UTC); those that have ended are under "ended". */
  readonly ends: Readonly<Record<string, number>>;
  readonly issuers: Readonly<Record<string, number>>;
  readonly versions: Readonly<Record<string, number>>;
  readonly texts: readonly string[];
  /** The name, and for the other columns the place in `texts`. */
  readonly rows: readonly (readonly [id: string, ...cells: number[]])[];
}

const count = (values: readonly (string | null | undefined)[]): Record<string, number> => {
  const counts = new Map<string, number>();
  for (const value of values) if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Object.fromEntries([...counts].toSorted(([, one], [, other]) => other - one));
};

/** The oldest first: 0.9.0 is before 0.10.0. */
const byVersion = ([one]: readonly [string, number], [other]: readonly [string, number]): number =>
  one.localeCompare(other, 'en', { numeric: true });

export function modelOf({ hub, condition, devices, sum, now }: Fleet): Model {
  const texts: string[] = [];
  const places = new Map<string, number>();
  const place = (text: string | null | undefined): number => {
    const key = text ?? '';
    const known = places.get(key);
    if (known !== undefined) return known;
    places.set(key, texts.length);
    return texts.push(key) - 1;
  };
  const ends = devices.map(({ newleaf }) => {
    const end = newleaf?.leaf?.notAfter;
    return end && (Date.parse(end) <= now ? 'ended' : end.slice(0, 10));
  });
  return {
    hub,
    condition: condition ?? null,
    at: new Date(now).toISOString(),
    sum: { schema: 1, ...sum },
    wrong: ailmentsOf(devices, condition).map((one) => ({ ...one, devices: one.devices.length })),
    ends: count(ends),
    issuers: count(devices.map(({ newleaf }) => newleaf?.leaf?.issuer)),
    versions: Object.fromEntries(Object.entries(sum.version).toSorted(byVersion)),
    rows: devices.map((one): Model['rows'][number] => {
      const { deviceId, status, connected, newleaf } = one;
      const { phase, leaf, next, alarm, last, version } = newleaf ?? {};
      const cells = [
        status === 'disabled' ? status : connected ? 'online' : 'offline',
        phase,
        leaf?.notAfter?.slice(0, 10),
        next?.standing,
        alarm,
        last?.outcome,
        codeOf(one),
        leaf?.issuer,
        version,
      ];
      return [deviceId, ...cells.map(place)];
    }),
    texts,
  };
}
