import { execFileSync, type StdioOptions } from 'node:child_process';

const TIME_LIMIT_MS = 5_000;

/** The unit's settings for its process, beside user and directories. */
export interface Unit {
  /** `Environment=` of the unit and its drop-ins: some modules find their tokens by it. */
  readonly environment: Readonly<Record<string, string>>;
  /** `SupplementaryGroups=`: names or numbers. */
  readonly groups: readonly string[];
}

const PROPERTIES = ['LoadState', 'Environment', 'SupplementaryGroups'];

/** The unit with its drop-ins as systemd knows it; undefined without systemd, or without the unit. */
export function unitOf(name: string): Unit | undefined {
  try {
    const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
    const options = { encoding: 'utf8', timeout: TIME_LIMIT_MS, stdio } as const;
    return unitIn(execFileSync('systemctl', showing(name, PROPERTIES), options));
  } catch {
    return undefined;
  }
}

/** Arguments of systemctl(1). @param unit without `.service` */
export const showing = (unit: string, properties: readonly string[]): string[] => [
  'show',
  `${unit}.service`,
  `--property=${properties.join(',')}`,
];

/** @param shown output of `systemctl show`: `NAME=VALUE`, one property a line. @returns '' for one that is not there */
export const propertyIn = (shown: string, name: string): string =>
  new RegExp(`^${name}=(.*)$`, 'm').exec(shown)?.[1] ?? '';

export function unitIn(shown: string): Unit | undefined {
  const property = (name: string) => propertyIn(shown, name);
  if (property('LoadState') !== 'loaded') return undefined;
  return { environment: assignmentsIn(property('Environment')), groups: wordsIn(property('SupplementaryGroups')) };
}

/**
 * `A=1 "B=two words"`: systemctl(1) puts words with blanks in double quotes, with a backslash before quotes and itself. A person
 * may also take single quotes.
 */
export function wordsIn(list: string): readonly string[] {
  return [...list.matchAll(/"((?:\\.|[^"\\])*)"|'([^']*)'|(\S+)/g)].map(
    ([, quoted, single, plain]) => quoted?.replace(/\\(["\\])/g, '$1') ?? single ?? plain ?? '',
  );
}

/** The other way round. */
export const inQuotes = (word: string): string =>
  /^[^\s"']+$/.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`;

function assignmentsIn(list: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    wordsIn(list).flatMap((word) => {
      const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(word) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
}
