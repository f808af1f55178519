import {
  array,
  boolean,
  check,
  custom,
  type GenericSchema,
  integer,
  maxValue,
  minValue,
  nonEmpty,
  number,
  picklist,
  pipe,
  rawTransform,
  regex,
  string,
} from 'valibot';
import { LARGEST_PAUSE_MS } from '../roll/backoff.ts';
import type { RenewAt } from '../roll/terms.ts';
import { durationMs, LEAST_SHARE, renewAt } from './duration.ts';
import { sizeBytes } from './size.ts';

/** The values that a setting accepts. Messages begin with "must" and never quote the value: it may be a misplaced PIN. */
export interface Kind<T> {
  /** Type and unit, for README.md. */
  readonly type: string;
  /** The accepted values, in words that follow "must be". */
  readonly range: string;
  readonly read: GenericSchema<unknown, T>;
}

export function text(range: string, accepted: RegExp): Kind<string> {
  const must = `must be ${range}`;
  return { type: 'text', range, read: pipe(string(must), regex(accepted, must)) };
}

export function choice<const T extends readonly string[]>(values: T): Kind<T[number]> {
  const range = values.map((value) => `"${value}"`).join(', ');
  return { type: 'text', range, read: picklist(values, `must be one of ${range}`) };
}

export const flag: Kind<boolean> = {
  type: 'boolean',
  range: 'true or false',
  read: boolean('must be true or false, without quotes'),
};

export function count(least: number, most: number): Kind<number> {
  const range = `${least} to ${most}`;
  const must = `must be a whole number from ${range}, without quotes`;
  return {
    type: 'number',
    range,
    read: pipe(number(must), integer(must), minValue(least, must), maxValue(most, must)),
  };
}

/** Text that `parse` turns into a value, or into undefined where it cannot. */
function parsed<T>(type: string, range: string, parse: (written: string) => T | undefined): Kind<T> {
  const must = `must be ${range}`;
  const read = pipe(
    string(must),
    rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
      const value = parse(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message: must });
      return NEVER;
    }),
  );
  return { type, range, read };
}

export function duration(least: string, most: string): Kind<number> {
  const [leastMs = 0, mostMs = 0] = [least, most].map(durationMs);
  return parsed('duration', `a number with its unit (s, min, hour, day), from "${least}" to "${most}"`, (written) => {
    const ms = durationMs(written);
    return ms !== undefined && ms >= leastMs && ms <= mostMs ? ms : undefined;
  });
}

/** Bytes. */
export function size(least: string, most: string): Kind<number> {
  const [leastBytes = 0, mostBytes = 0] = [least, most].map(sizeBytes);
  return parsed('size', `a number with its unit (KiB, MiB, GiB), from "${least}" to "${most}"`, (written) => {
    const bytes = sizeBytes(written);
    return bytes !== undefined && bytes >= leastBytes && bytes <= mostBytes ? bytes : undefined;
  });
}

const LEAST_LEFT_HOURS = (3 * LARGEST_PAUSE_MS) / 3_600_000;
const renewal = parsed<RenewAt>(
  'share or duration',
  `a share of the lifetime ("${LEAST_SHARE}%" to "99%"), the time left ("30day", "12hour") or "off"`,
  renewAt,
);

export const renewalMoment: Kind<RenewAt> = {
  ...renewal,
  read: pipe(
    renewal.read,
    check(
      (moment) => moment === 'off' || 'share' in moment || moment.leftMs >= 3 * LARGEST_PAUSE_MS,
      `must leave at least ${LEAST_LEFT_HOURS}hour: retries pause for up to an hour, so fewer than three of them would fit; or use a share, which adapts`,
    ),
  ),
};

export const path = text('an absolute path', /^\/[^\0]*$/);

/** `sun_path` has room for 108 bytes with the closing NUL (unix(7)). */
export const socketPath: Kind<string> = {
  ...path,
  range: 'an absolute path of at most 107 bytes',
  read: pipe(
    path.read,
    check((written) => Buffer.byteLength(written) <= 107, 'must be at most 107 bytes long, the limit of unix sockets'),
  ),
};

/** RFC 7512. The PIN has a setting of its own, which no command prints. */
export const pkcs11Uri: Kind<string> = {
  type: 'URI',
  range: 'a PKCS#11 URI ("pkcs11:…", RFC 7512) without a PIN',
  read: withoutPin(text('a PKCS#11 URI ("pkcs11:token=…;serial=…", RFC 7512)', /^pkcs11:[^\s]+$/)),
};

export const pathOrPkcs11Uri: Kind<string> = {
  type: 'path or URI',
  range: 'an absolute path, or a PKCS#11 URI without a PIN',
  read: withoutPin(text('an absolute path or a PKCS#11 URI ("pkcs11:…")', /^(\/[^\0]*|pkcs11:[^\s]+)$/)),
};

function withoutPin({ read }: Kind<string>) {
  return pipe(
    read,
    check((written) => !/[?&]pin-(value|source)=/.test(written), 'must not hold a PIN: use hsm.pin_file'),
  );
}

export const argv: Kind<readonly string[]> = {
  type: 'list of texts',
  range: 'a list that begins with the absolute path of a program',
  read: pipe(
    array(string('must be a list of texts'), 'must be a list of texts'),
    nonEmpty('must name a program'),
    check(([program]) => program?.startsWith('/') === true, 'must begin with the absolute path of the program'),
  ),
};

export type Table = Readonly<Record<string, unknown>>;

export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** DPS takes messages of 96 KB at most (iot-dps-limits); the payload is one part of it. */
const MOST_OF_DPS = 95_000;

export const table: Kind<Table> = {
  type: 'table',
  range: 'a table, sent as JSON of at most 95 000 bytes',
  read: pipe(
    custom<Table>(isTable, 'must be a table: { name = "value" }'),
    check((value) => Buffer.byteLength(JSON.stringify(value)) <= MOST_OF_DPS, 'must be at most 95 000 bytes as JSON'),
  ),
};
