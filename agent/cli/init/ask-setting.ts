import { resolve } from 'node:path';
import { objectionTo, standardOf } from '../../config/draft.ts';
import type { Written } from '../../config/schema.ts';
import { Fault } from '../../failure/failure.ts';
import type { Guide } from './guide.ts';
import { unreadable } from './readable.ts';

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
  /** A file that the daemon has to read: a relative path is taken from where the command was called. */
  readonly isFile?: boolean;
  /** A mistake that the schema cannot know, as the end of a sentence; undefined where the answer is accepted. */
  readonly objection?: (written: string) => string | undefined;
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
  const objection = async (typed: string) => {
    const path = placed(question, typed);
    const wrong = objectionTo(name, read(typed)) ?? (question.isFile ? await unreadable(guide, path) : undefined);
    return wrong ?? question.objection?.(path);
  };
  const given = guide.flag(flag);
  if (given !== undefined) {
    const wrong = await objection(given);
    if (wrong !== undefined) throw new Fault('NL-CONFIG', { message: `--${flag} ${wrong}.`, advice: hint ?? ADVICE });
    return answers.set(name, read(given));
  }
  const fallback = shown(answers.get(name) ?? question.suggestion ?? standardOf(name), question);
  if (dialogue.asks) {
    if (hint !== undefined) dialogue.hint(hint);
    return answers.set(name, read(await dialogue.text(words, fallback, objection)));
  }
  if (fallback === undefined) return answers.miss(flag);
  answers.set(name, read(fallback));
}

const ADVICE = 'See: newleaf init --help';

const placed = ({ isFile }: SettingQuestion, typed: string): string =>
  isFile === true && typed !== '' && !typed.startsWith('pkcs11:') ? resolve(typed) : typed;

function shown(value: Written | undefined, { form }: SettingQuestion): string | undefined {
  if (value === undefined || value === '') return undefined;
  return form === undefined ? String(value) : form.show(value);
}
