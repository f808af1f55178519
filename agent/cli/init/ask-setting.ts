import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { objectionTo, standardOf } from '../../config/draft.ts';
import type { Written } from '../../config/schema.ts';
import { localAccount } from '../../machine/account.ts';
import { noFile, readGiven } from '../../machine/given-file.ts';
import { type Copied, keepSecret, takenOver } from './copies.ts';
import { type Guide, type Question, wrongFlag } from './guide.ts';
import { type Option, SETTINGS, type SettingQuestion } from './settings.ts';

/**
 * Answers one setting: by its flag, or by the person, whose Enter takes the configured value or the default. A mistake is told
 * at once, in the words of the schema. Where there is no terminal, the default is taken.
 * @param typed the answer of the person, where it came before the question
 * @throws Fault NL-CONFIG for a flag that is wrong; Interrupted
 */
export async function askSetting(guide: Guide, question: SettingQuestion, typed?: string): Promise<void> {
  const { answers, dialogue, flags } = guide;
  const { name, flag, words, file, form, choices } = question;
  const hint = typeof question.hint === 'function' ? question.hint(guide.env) : question.hint;
  const isAsked = dialogue.asks && !flags.has(flag);
  if (isAsked && question.isPassword && file !== undefined) return askPassword(guide, question, file);
  const read = (one: string): Written => (form === undefined ? placed(guide, question, one) : form.read(one));
  let named: Exclude<Awaited<ReturnType<typeof look>>, string> | undefined;
  const objection = async (one: string) => {
    const path = placed(guide, question, one);
    if (file !== undefined && path.startsWith('~')) return WITHOUT_HOME;
    const isPath = file !== undefined && path.startsWith('/');
    const found = objectionTo(name, read(one)) ?? (isPath ? await look(guide, path, file) : undefined);
    if (typeof found === 'string') return found;
    named = found;
    return question.objection?.(path, named?.content, guide.leaf);
  };
  /** False where the person takes back what may be a slip, or wants no copy that the daemon needs. */
  const isTaken = async (one: string) => {
    const doubt = question.doubt?.(one);
    if (doubt !== undefined) dialogue.say(doubt);
    const isMeant = doubt === undefined || !dialogue.asks || (await dialogue.confirm('Take it all the same?', false));
    if (!isMeant) return false;
    const path = placed(guide, question, one);
    const place = file && named?.isClosed ? await takenOver(guide, path, named.content, file) : one;
    if (place !== undefined) answers.set(name, read(place));
    return place !== undefined;
  };
  const given = flags.get(flag);
  if (given !== undefined) {
    const wrong = await objection(given);
    if (wrong !== undefined) throw wrongFlag(flag, wrong);
    if (await isTaken(given)) return;
    flags.forget(flag);
  }
  const standing = answers.get(name) ?? question.suggestion?.(guide) ?? standardOf(name) ?? '';
  const fallback = standing === '' ? undefined : (form?.show(standing) ?? String(standing));
  if (dialogue.asks && choices !== undefined)
    return void answers.set(name, await dialogue.choose(words, choices, fallback ?? choices[0]?.key));
  if (!dialogue.asks) return void (fallback === undefined ? answers.miss(flag) : answers.set(name, read(fallback)));
  if (hint !== undefined) dialogue.hint(hint);
  let first = typed;
  while (!(await isTaken(await dialogue.text(words, fallback, objection, first)))) first = undefined;
}

/** The same of each of these options. */
export const ask =
  (...options: readonly Option[]): Question =>
  async (guide) => {
    for (const option of options) await askSetting(guide, SETTINGS[option]);
  };

async function askPassword(guide: Guide, { name, words }: SettingQuestion, file: Copied): Promise<void> {
  const { answers, dialogue } = guide;
  const kept = answers.text(name);
  const enter = kept === undefined ? '' : `; Enter: the one in ${kept}`;
  const isNeeded = (one: string) => (one === '' && kept === undefined ? 'is needed' : undefined);
  const typed = await dialogue.secret(`${words} (not shown${enter})`, isNeeded);
  if (typed !== '') answers.set(name, await keepSecret(guide, file, typed));
}

const WITHOUT_HOME = 'must be a path without ~, or one that begins with ~/';

/** With ~/ as a shell expands it: sudo(8) has a HOME of its own, and names its caller. */
function placed({ env }: Guide, { file }: SettingQuestion, typed: string): string {
  if (file === undefined || typed === '' || typed.startsWith('pkcs11:')) return typed;
  const { SUDO_USER, HOME } = env;
  const home = SUDO_USER === undefined ? HOME : localAccount(SUDO_USER)?.home;
  const path = home && typed.startsWith('~/') ? join(home, typed.slice(1)) : typed;
  return path.startsWith('~') ? path : resolve(path);
}

/**
 * Reads the file of an answer, once, as what is judged is what is copied; or why it cannot be taken, as the end of a sentence.
 * @returns whether only root can read it: then it is copied
 */
async function look({ account, errand }: Guide, place: string, { isSecret }: Copied) {
  const wrong = noFile(place);
  if (wrong !== undefined) return wrong;
  const code = await errand('whyUnreadable', place);
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
