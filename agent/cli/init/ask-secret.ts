import { askSetting } from './ask-setting.ts';
import type { Guide } from './guide.ts';
import { beside, writeSecret } from './secret.ts';
import type { Copied } from './take-over.ts';

/** A password that the daemon reads from a file. */
interface SecretQuestion {
  /** The setting that names the file. */
  readonly name: string;
  readonly flag: string;
  /** The question for the password itself. */
  readonly words: string;
  /** How it is kept beside the configuration. */
  readonly file: Copied;
}

/** The password that a person types, or the file that a flag names. @throws Fault NL-CONFIG; Interrupted */
export async function askSecret(guide: Guide, { name, flag, words, file }: SecretQuestion): Promise<void> {
  const { answers, dialogue } = guide;
  if (guide.flag(flag) !== undefined || !dialogue.asks) {
    return askSetting(guide, { name, flag, words: `File with the ${words.toLowerCase()}`, file });
  }
  const kept = answers.text(name);
  for (;;) {
    const enter = kept === undefined ? '' : `; Enter: the one in ${kept}`;
    const typed = await dialogue.secret(`${words} (not shown${enter})`);
    if (typed === '' && kept === undefined) continue;
    const place = kept ?? beside(guide, file.name);
    if (typed !== '') await writeSecret(guide, place, typed, 'daemon');
    return answers.set(name, place);
  }
}
