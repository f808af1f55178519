import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { isTable, type Table } from './kinds.ts';
import { SECTION_NAMES, sectionOf } from './schema.ts';

/** Names of the image itself, and those that Kubernetes gives to each container beside a Service that is called newleaf. */
const OF_OTHERS = /^NEWLEAF_(?:CONFIG|CONTAINER|PULSE|TOKENS|(?:SERVICE|PORT)(?:_.*)?)$/;
/** Their TOML has no quotes. */
const BARE = new Set(['boolean', 'number', 'list of texts', 'table']);

const NAMES = new Map(
  SECTION_NAMES.flatMap((section) =>
    Object.entries(sectionOf(section) ?? {}).map(([key, { type }]) => {
      const name = `NEWLEAF_${section}_${key}`.replaceAll('.', '_').toUpperCase();
      return [name, { section, key, isBare: BARE.has(type) }] as const;
    }),
  ),
);

const setIn = (env: NodeJS.ProcessEnv): readonly (readonly [name: string, value: string])[] =>
  // Elsewhere the commands would not have the environment of the daemon.
  Object.entries(env).flatMap(([name, value]) =>
    env.NEWLEAF_CONTAINER === '1' && name.startsWith('NEWLEAF_') && !OF_OTHERS.test(name) && value
      ? [[name, value]]
      : [],
  );

export const isSetBy = (env: NodeJS.ProcessEnv): boolean => setIn(env).length > 0;

/** The text of the file, without which a container can do. @throws Error of node */
export const fileText = (file: string, env: NodeJS.ProcessEnv): string =>
  isSetBy(env) && !existsSync(file) ? '' : readFileSync(file, 'utf8');

export interface Layered {
  readonly document: Table;
  /** What sets it in the place of the file, by the path of the setting. */
  readonly variables: ReadonlyMap<string, string>;
  readonly unknown: readonly string[];
}

/** The document of a file with the settings of the environment of a container, which go before those of the file. */
export function layered(document: Table, env: NodeJS.ProcessEnv): Layered {
  const variables = new Map<string, string>();
  const unknown: string[] = [];
  let whole = document;
  for (const [name, value] of setIn(env)) {
    const known = NAMES.get(name);
    if (known === undefined) {
      unknown.push(name);
      variables.set(name, 'the environment');
    } else {
      const { section, key, isBare } = known;
      whole = withValue(whole, [...section.split('.'), key], isBare ? bare(value) : value);
      variables.set(`${section}.${key}`, name);
    }
  }
  return { document: whole, variables, unknown };
}

function withValue(table: Table, [first = '', ...rest]: readonly string[], value: unknown): Table {
  if (rest.length === 0) return { ...table, [first]: value };
  const below = table[first] ?? {};
  // What stands in the place of a table is complained of as it is.
  return isTable(below) ? { ...table, [first]: withValue(below, rest, value) } : table;
}

/** A text that is no TOML is left to the complaint of its setting. */
function bare(value: string): unknown {
  try {
    return parse(`value = ${value}`).value;
  } catch {
    return value;
  }
}
