import { safeParse } from 'valibot';
import { DEFAULT_PATH, instanceOf } from './instance.ts';
import { toml } from './print.ts';
import { surveyConfig } from './read.ts';
import { SECTION_NAMES, type Setting, sectionOf, type Written } from './schema.ts';

/** Settings by name (`dps.id_scope`), in their TOML form. It need not be complete. */
export type Draft = ReadonlyMap<string, Written>;

export interface Drafted {
  readonly draft: Draft;
  /** One sentence and line for each mistake in the text; missing settings are not among them. */
  readonly mistakes: readonly string[];
  /** Nothing is wrong, and nothing is missing. */
  readonly isComplete: boolean;
}

/**
 * The valid settings of a configuration that may be incomplete, or wrong here and there.
 * @throws Fault NL-CONFIG where it is no TOML
 */
export function draftOf(text: string, file: string): Drafted {
  const { effective, mistakes } = surveyConfig(text, file);
  const wrong = mistakes.filter(({ isMissing }) => !isMissing);
  const isKept = (name: string) => !wrong.some(({ path }) => path === name);
  const written = effective.flatMap(({ section, key, written, line }) => {
    const name = `${section}.${key}`;
    return line === undefined || written === undefined || !isKept(name) ? [] : [[name, written] as const];
  });
  const sentences = wrong.map(({ sentence }) => sentence);
  return { draft: new Map(written), mistakes: sentences, isComplete: mistakes.length === 0 };
}

/** The fault of a value, as the end of a sentence ("must be …"); undefined where it is accepted. */
export function objectionTo(name: string, value: Written): string | undefined {
  const { success, issues } = safeParse(settingOf(name).read, value, { abortPipeEarly: true });
  return success ? undefined : issues[0].message;
}

export const standardOf = (name: string, file = DEFAULT_PATH): Written | undefined =>
  instanceOf(file).standards[name] ?? settingOf(name).standard;

/** The text of a configuration file, each setting with its meaning. */
export function draftText(draft: Draft, heading: string): string {
  const sections = SECTION_NAMES.map((section) => {
    const lines = Object.entries(sectionOf(section) ?? {}).flatMap(([key, { meaning }]) => {
      const value = draft.get(`${section}.${key}`);
      return value === undefined ? [] : [`${key} = ${toml(value)}  # ${meaning}`];
    });
    return lines.length === 0 ? '' : [`[${section}]`, ...lines].join('\n');
  });
  return `${[`# ${heading}`, ...sections.filter((section) => section !== '')].join('\n\n')}\n`;
}

function settingOf(name: string): Setting<unknown> {
  const dot = name.lastIndexOf('.');
  const setting = sectionOf(name.slice(0, dot))?.[name.slice(dot + 1)];
  if (setting === undefined) throw new TypeError(`there is no setting ${name}`);
  return setting;
}
