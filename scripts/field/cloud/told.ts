import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const PARTS = ['triggers', 'stories', 'questions'] as const;
export type Part = (typeof PARTS)[number];

const SECOND = 1_000;

/** How long a session is watched after its leaf has ended, in seconds: a shorter watch that sees no end leaves it open. */
export const WATCH_S = 300;

/** The command line says what cannot be done, or the Azure CLI is not ready: nothing was begun. The message is a sentence. */
export class Misuse extends Error {}

/** What the person has typed. */
export interface Told {
  readonly location: string;
  readonly parts: readonly Part[];
  /** A directory. */
  readonly report: string;
  readonly watchMs: number;
  readonly yes: boolean;
}

/** What each takes as its value. */
const VALUES = { location: 'REGION', report: 'DIRECTORY', watch: 'SECONDS' } as const;
const FLAGS = ['yes', 'help'];
const HELP = 'scripts/field/azure --help';
const REGIONS = 'az account list-locations --query "[].name"';

export const USAGE = `scripts/field/azure --location REGION [--yes] [--report DIRECTORY] [--watch SECONDS] [${PARTS.join('] [')}]

Makes a resource group with a DPS and a free hub in your Azure subscription, tries newleaf with them, writes a report, and
deletes all that it made. Without the name of a part it plays all of them.

  --location REGION    where: ${REGIONS}
  --report DIRECTORY   in place of newleaf-azure-report; a report that is there is overwritten
  --watch SECONDS      how long a session is watched after its leaf has ended: ${WATCH_S} by default, less leaves it open
  --yes                does not ask

All about it: scripts/field/README.md`;

/**
 * @param argv without node and the script
 * @returns `help` where that is asked for
 * @throws Misuse
 */
export function told(argv: readonly string[]): Told | 'help' {
  const string = Object.fromEntries(Object.keys(VALUES).map((name) => [name, { type: 'string' } as const]));
  const boolean = Object.fromEntries(FLAGS.map((name) => [name, { type: 'boolean' } as const]));
  const options = { ...string, ...boolean };
  // Lenient: the sentences about mistakes are its own.
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  const given = new Map<string, string>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const takes = new Map<string, string>(Object.entries(VALUES)).get(name);
    if (takes === undefined && !FLAGS.includes(name)) throw new Misuse(`There is no option ${rawName}. See: ${HELP}`);
    if (takes === undefined && value !== undefined) throw new Misuse(`${rawName} takes no value.`);
    if (takes !== undefined && (!value || (!inlineValue && value.startsWith('-'))))
      throw new Misuse(`${rawName} needs a value: ${rawName} ${takes}. See: ${HELP}`);
    given.set(name, value ?? '');
  }
  if (given.has('help')) return 'help';
  const wrong = words.find((word) => !PARTS.some((part) => part === word));
  if (wrong !== undefined) throw new Misuse(`It plays ${PARTS.join(', ')}, and no "${wrong}".`);
  const watch = given.get('watch') ?? String(WATCH_S);
  if (!/^\d+$/.test(watch)) throw new Misuse(`--watch is a number of seconds, and not "${watch}".`);
  const location = given.get('location');
  if (location === undefined) throw new Misuse(`It needs --location REGION, as \`${REGIONS}\` names them.`);
  return {
    location,
    parts: PARTS.filter((part) => words.length === 0 || words.includes(part)),
    report: resolve(given.get('report') ?? 'newleaf-azure-report'),
    watchMs: Number(watch) * SECOND,
    yes: given.has('yes'),
  };
}
