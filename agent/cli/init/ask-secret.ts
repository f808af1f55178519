import { askSetting } from './ask-setting.ts';
import { placeFor } from './copies.ts';
import type { Guide } from './guide.ts';
import { noSecret, writeSecret } from './secret.ts';
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
    const what = words.toLowerCase();
    const objection = (path: string, content = '') => {
      const wrong = noSecret(content);
      return wrong && `must be a file with the ${what} alone: ${path} ${wrong}`;
    };
    return askSetting(guide, { name, flag, words: `File with the ${what}`, file, objection });
  }
  const kept = answers.text(name);
  const enter = kept === undefined ? '' : `; Enter: the one in ${kept}`;
  for (;;) {
    const typed = await dialogue.secret(`${words} (not shown${enter})`);
    if (typed !== '') return answers.set(name, await keepSecret(guide, file, typed));
    if (kept !== undefined) return;
    dialogue.object('It is needed.');
  }
}

/** Keeps a password for the daemon. @returns the path of its file */
export async function keepSecret(guide: Guide, { name }: Copied, secret: string): Promise<string> {
  const { path, isThere } = await placeFor(guide, name, `${secret}\n`);
  await writeSecret(guide, path, secret, 'daemon');
  if (!isThere) guide.copies.set(path, path);
  return path;
}
