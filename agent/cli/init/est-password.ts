import { askSetting } from './ask-setting.ts';
import { placeFor } from './copies.ts';
import type { Guide } from './guide.ts';
import { writeSecret } from './secret.ts';

/** The setting that names its file. */
export const PASSWORD_FILE = 'issuer.est.password_file';

const NAME = 'est-password';

/** The password of the EST server, which is typed, or is in a file. */
export async function askPassword(guide: Guide): Promise<void> {
  const { answers, dialogue } = guide;
  if (guide.flag('est-password-file') !== undefined || !dialogue.asks) {
    const file = { name: NAME, isSecret: true } as const;
    const about = { name: PASSWORD_FILE, flag: 'est-password-file', words: 'File with the password' };
    return askSetting(guide, { ...about, file });
  }
  const kept = answers.text(PASSWORD_FILE);
  const enter = kept === undefined ? '' : `; Enter: the one in ${kept}`;
  for (;;) {
    const typed = await dialogue.secret(`Password (not shown${enter})`);
    if (typed !== '') return answers.set(PASSWORD_FILE, await keepPassword(guide, typed));
    if (kept !== undefined) return;
    dialogue.object('It is needed.');
  }
}

/** Keeps a password for the daemon. @returns the path of its file */
export async function keepPassword(guide: Guide, password: string): Promise<string> {
  const { path, isThere } = await placeFor(guide, NAME, `${password}\n`);
  await writeSecret(guide, path, password, 'daemon');
  if (!isThere) guide.copies.set(path, path);
  return path;
}
