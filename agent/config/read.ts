import { parse } from 'smol-toml';
import { safeParse } from 'valibot';
import { Fault } from '../failure/failure.ts';
import { isSetBy, layered } from './environment.ts';
import { instanceOf } from './instance.ts';
import { isTable, type Table } from './kinds.ts';
import { keyLines, lineOfKey } from './lines.ts';
import { CROSS_CHECKS, type IsSet } from './rules.ts';
import { SECTION_NAMES, type SectionName, type Setting, sectionOf, type Values, type Written } from './schema.ts';
import { slipIn } from './slip.ts';

/** One setting in effect. */
export interface Effective {
  readonly section: SectionName;
  readonly key: string;
  /** In its TOML form; undefined where an optional setting is absent. */
  readonly written: Written | undefined;
  /** Line in the file; undefined for a default. */
  readonly line: number | undefined;
  /** The variable of the environment that sets it. */
  readonly variable?: string | undefined;
}

export interface ConfigReading {
  readonly values: Values;
  readonly effective: readonly Effective[];
}

interface Mistake {
  readonly path: string;
  readonly line: number | undefined;
  /** `FILE:LINE: KEY SENTENCE` */
  readonly sentence: string;
  /** The file has no mistake, and is only incomplete. */
  readonly isMissing: boolean;
}

type Note = (path: string, complaint: string, isMissing?: boolean) => void;

const INCOMPLETE = 'Run `newleaf init`, which asks for what is missing.';

/** As many as a screen of 24 lines shows, where each takes two. */
const SHOWN = 10;

/**
 * Parses and checks the text of a configuration file.
 * @throws Fault NL-CONFIG with a line for each mistake, `FILE:LINE: KEY SENTENCE`, or where nothing is set
 */
export function readConfig(toml: string, file: string, env: NodeJS.ProcessEnv = {}): ConfigReading {
  if (isUnset(toml, file, env)) throw notSetUp(file);
  const { mistakes, ...reading } = surveyConfig(toml, file, env);
  if (mistakes.length === 0) return reading;
  const more = mistakes.length > SHOWN ? [`… and ${mistakes.length - SHOWN} more.`] : [];
  const message = [...mistakes.slice(0, SHOWN).map(({ sentence }) => sentence), ...more].join('\n');
  const isOnlyIncomplete = mistakes.every(({ isMissing }) => isMissing);
  throw new Fault('NL-CONFIG', { message, ...(isOnlyIncomplete && { advice: INCOMPLETE }) });
}

/** Nothing is wrong with such a gateway: a list of missing settings would look as if. */
export function notSetUp(file: string): Fault {
  const { hasUnit } = instanceOf(file);
  const named = hasUnit ? '' : ` --config ${file}`;
  return new Fault('NL-CONFIG', { message: NOT_SET_UP, advice: `\`newleaf init${named}\`` });
}

export const NOT_SET_UP = 'This gateway is not set up yet.';

/** As the package brings it: sections, and every setting is a comment. @throws Fault NL-CONFIG where it is no TOML */
export function isUnset(toml: string, file: string, env: NodeJS.ProcessEnv = {}): boolean {
  const isEmpty = (value: unknown): boolean => isTable(value) && Object.values(value).every(isEmpty);
  return !isSetBy(env) && isEmpty(parseToml(toml, file));
}

/**
 * The same, with all mistakes as a result. Values with a mistake are undefined.
 * @throws Fault NL-CONFIG where it is no TOML
 */
export function surveyConfig(
  toml: string,
  file: string,
  env: NodeJS.ProcessEnv = {},
): ConfigReading & { readonly mistakes: readonly Mistake[] } {
  const { document, variables, unknown } = layered(parseToml(toml, file), env);
  const lines = keyLines(toml);
  const { standards } = instanceOf(file);
  // All of them are shown at once, in the order of the file.
  const mistakes: Mistake[] = [];
  const note: Note = (path, complaint, isMissing = false) => {
    const line = lineOfKey(lines, path);
    const place = variables.get(path) ?? (line === undefined ? file : `${file}:${line}`);
    mistakes.push({ path, line, sentence: `${place}: ${path.replaceAll('\n', '\\n')} ${complaint}.`, isMissing });
  };
  refuseUnknown(document, '', note);
  for (const name of unknown)
    note(name, 'is no setting: they are NEWLEAF_SECTION_KEY, as NEWLEAF_DPS_ID_SCOPE and NEWLEAF_ISSUER_EST_URL');

  const effective: Effective[] = [];
  const values: Record<string, Record<string, unknown>> = {};
  for (const section of SECTION_NAMES) {
    const table = tableAt(document, section);
    if (table === undefined && !isNeeded(section, document)) continue;
    const read: Record<string, unknown> = {};
    values[section] = read;
    for (const [key, general] of Object.entries(sectionOf(section) ?? {})) {
      const path = `${section}.${key}`;
      const own = standards[path];
      const setting = own === undefined ? general : { ...general, standard: own };
      const inFile = table?.[key];
      read[key] = outputOf(setting, inFile, path, note);
      const written = (inFile as Written | undefined) ?? setting.standard;
      const variable = variables.get(path);
      const line = inFile === undefined || variable !== undefined ? undefined : lineOfKey(lines, path);
      effective.push({ section, key, written, line, variable });
    }
  }
  const isSet: IsSet = (path, value) =>
    effective.some(
      ({ section, key, written = '' }) =>
        `${section}.${key}` === path && written !== '' && (value === undefined || written === value),
    );
  for (const { key, broken, sentence, needs } of CROSS_CHECKS)
    if (broken(isSet)) note(key, sentence, needs !== undefined || !isSet(key));

  // Sections that the chosen issuer or attestation does not use may be missing; config.ts takes the chosen ones.
  const inOrder = mistakes.toSorted((one, other) => (one.line ?? 0) - (other.line ?? 0));
  return { values: values as Values, effective, mistakes: inOrder };
}

function parseToml(toml: string, file: string): Table {
  try {
    return parse(toml);
  } catch (cause) {
    throw new Fault('NL-CONFIG', { message: slipIn(toml, file, cause) });
  }
}

function refuseUnknown(table: Table, prefix: string, note: Note): void {
  for (const [name, value] of Object.entries(table)) {
    const path = `${prefix}${name}`;
    const section = sectionOf(path);
    if (section !== undefined && !isTable(value)) note(path, `must be a table: write [${path}] above its settings`);
    else if (section !== undefined && isTable(value)) {
      const known = Object.keys(section);
      for (const key of Object.keys(value).filter((key) => !known.includes(key)))
        note(`${path}.${key}`, `is not a setting; [${path}] knows ${known.join(', ')}`);
    } else if (isTable(value) && SECTION_NAMES.some((known) => known.startsWith(`${path}.`)))
      refuseUnknown(value, `${path}.`, note);
    else note(path, `is not a section; the sections are ${SECTION_NAMES.join(', ')}`);
  }
}

function outputOf(setting: Setting<unknown>, inFile: unknown, path: string, note: Note): unknown {
  const written = inFile ?? setting.standard;
  if (written === undefined) {
    if (setting.absent === undefined) note(path, `is missing: it must be ${setting.range}`, true);
    return undefined;
  }
  const { success, output, issues } = safeParse(setting.read, written, { abortPipeEarly: true });
  if (success) return output;
  note(path, issues[0].message);
  return undefined;
}

/** The settings of an issuer are needed only where it is the chosen one, and those of a leaf only with attestation x509. */
function isNeeded(section: SectionName, document: Table): boolean {
  const isTpm = tableAt(document, 'dps')?.attestation === 'tpm';
  if (section === 'tpm') return isTpm;
  if (section === 'hsm' || section === 'leaf') return !isTpm;
  const issuer = section === 'onboarding' ? 'azure' : /^issuer\.(.+)/.exec(section)?.[1];
  if (issuer === undefined) return true;
  return !isTpm && tableAt(document, 'leaf')?.issuer === issuer;
}

function tableAt(document: Table, path: string): Table | undefined {
  const found = path.split('.').reduce<unknown>((at, key) => (isTable(at) ? at[key] : undefined), document);
  return isTable(found) ? found : undefined;
}
