import { readFileSync, type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { objectionTo, standardOf } from '../../config/draft.ts';
import type { Written } from '../../config/schema.ts';
import { readGiven } from '../../machine/given-file.ts';
import { holdsAuthority } from '../../machine/named-file.ts';
import { type Guide, wrongFlag } from './guide.ts';
import { type Copied, takenOver } from './take-over.ts';

/** A question whose answer is one setting. */
export interface SettingQuestion {
  readonly name: string;
  readonly flag: string;
  /** The question itself. */
  readonly words: string;
  /** Where the person finds the answer; said before the question. */
  readonly hint?: string;
  /** A default of this machine, where the schema has none. */
  readonly suggestion?: string | undefined;
  /** A file that the daemon has to read, and its copy: a relative path is taken from where the command was called. */
  readonly file?: Copied;
  /**
   * A mistake that the schema cannot know, as the end of a sentence; undefined where the answer is accepted.
   * @param content of the file, where the answer is one
   */
  readonly objection?: (written: string, content: string | undefined) => string | undefined;
  /** Text to value and back, where the setting is no text. */
  readonly form?: { readonly read: (typed: string) => Written; readonly show: (value: Written) => string };
}

/**
 * Answers one setting: by its flag, or by the person, whose Enter takes the configured value or the default. A mistake is told
 * at once, in the words of the schema. Where there is no terminal, the default is taken.
 * @throws Fault NL-CONFIG for a flag that is wrong; Interrupted
 */
export async function askSetting(guide: Guide, question: SettingQuestion): Promise<void> {
  const { answers, dialogue } = guide;
  const { name, flag, words, hint, form } = question;
  const read = (typed: string): Written => (form === undefined ? placed(question, typed) : form.read(typed));
  let named: Named | undefined;
  const objection = async (typed: string) => {
    const path = placed(question, typed);
    if (question.file !== undefined && typed.startsWith('~')) return WITHOUT_HOME;
    const wrong = objectionTo(name, read(typed));
    if (wrong !== undefined) return wrong;
    const found = question.file && path.startsWith('/') ? await look(guide, path, question.file) : undefined;
    if (typeof found === 'string') return found;
    named = found;
    return question.objection?.(path, named?.content);
  };
  const forDaemon = async (typed: string) =>
    question.file && named?.isClosed
      ? takenOver(guide, placed(question, typed), named.content, question.file)
      : placed(question, typed);
  const given = guide.flag(flag);
  if (given !== undefined) {
    const wrong = await objection(given);
    if (wrong !== undefined) throw wrongFlag(flag, wrong);
    const place = await forDaemon(given);
    if (place !== undefined) return answers.set(name, read(place));
    guide.forget(flag);
  }
  const fallback = shown(answers.get(name) ?? question.suggestion ?? standardOf(name), question);
  if (dialogue.asks) {
    if (hint !== undefined) dialogue.hint(hint);
    for (;;) {
      const place = await forDaemon(await dialogue.text(words, fallback, objection));
      if (place !== undefined) return answers.set(name, read(place));
    }
  }
  if (fallback === undefined) return answers.miss(flag);
  answers.set(name, read(fallback));
}

/** The shell of the caller knows whose home it is; under sudo, this process does not. */
const WITHOUT_HOME = 'must be a path without ~';

const placed = ({ file }: SettingQuestion, typed: string): string =>
  file !== undefined && typed !== '' && !typed.startsWith('pkcs11:') ? resolve(typed) : typed;

function shown(value: Written | undefined, { form }: SettingQuestion): string | undefined {
  if (value === undefined || value === '') return undefined;
  return form === undefined ? String(value) : form.show(value);
}

/** A file, read once: what is judged is what is copied. */
interface Named {
  readonly content: string;
  /** Only root can read it, so it is copied. */
  readonly isClosed: boolean;
}

/** Reads the file of an answer; or why it cannot be taken, as the end of a sentence. */
async function look({ account, errands }: Guide, place: string, { isSecret }: Copied): Promise<Named | string> {
  const wrong = noFile(place);
  if (wrong !== undefined) return wrong;
  const code = await errands.whyUnreadable(place);
  const isClosed = code === 'EACCES' && account !== undefined;
  if (code !== undefined && !isClosed) return `must be a file that can be read: ${place} cannot (${code})`;
  try {
    const content = (isClosed ? readGiven(place) : readFileSync(place)).toString();
    if (isClosed && !isSecret && content.includes('PRIVATE KEY-----'))
      return `must be a file that all users may read: there is a private key in ${place}`;
    return { content, isClosed };
  } catch (error) {
    return `must be a file that can be read: ${error instanceof Error ? error.message : error}`;
  }
}

/** The same of a path that leads to no file. A directory may be closed to the daemon, and open to the caller of init. */
export function noFile(place: string): string | undefined {
  let found: Stats;
  try {
    found = statSync(place);
  } catch {
    return `must be a file that is there: there is no ${place}`;
  }
  return found.isFile() ? undefined : `must be a file: ${place} is ${found.isDirectory() ? 'a directory' : 'none'}`;
}

/** The fault of a file of certificates, in the same way. */
export const noCertificate = (path: string, content = ''): string | undefined =>
  holdsAuthority(content) ? undefined : `must be a PEM file: there is no certificate in ${path}`;
