import { resolve } from 'node:path';
import { failureOf } from '../../failure/failure-of.ts';
import { askSetting, noCertificate } from './ask-setting.ts';
import type { Guide } from './guide.ts';
import { beside, readSecret, writeSecret } from './secret.ts';

const FIRSTS = [
  { key: 'password', words: 'a user name and a password' },
  { key: 'bootstrap', words: 'a bootstrap certificate with its key' },
  { key: 'none', words: 'nothing' },
] as const;

const EST = 'issuer.est';
const PASSWORD = ['username', 'password_file'];
const BOOTSTRAP = ['bootstrap_cert', 'bootstrap_key'];
const FLAGS = ['est-url', 'est-ca', 'est-user', 'est-password-file', 'bootstrap-cert', 'bootstrap-key'];

/** All settings of the EST server, until it answers and knows this gateway, or the person goes on without that. */
export async function askEst(guide: Guide): Promise<void> {
  for (;;) {
    await askSetting(guide, {
      name: `${EST}.url`,
      flag: 'est-url',
      words: 'URL of the EST server',
      hint: 'with /.well-known/est, and a label where it has one',
    });
    await askSetting(guide, {
      name: `${EST}.ca_file`,
      flag: 'est-ca',
      words: 'File with the CA of its certificate (PEM)',
      isFile: true,
      objection: noCertificate,
    });
    await askFirstIdentity(guide);
    if (!guide.dialogue.asks || (await isTried(guide))) return;
    if (await guide.dialogue.confirm('Go on all the same?', false)) return;
    guide.forget(...FLAGS);
  }
}

/** The credentials of a gateway that has no leaf yet. */
async function askFirstIdentity(guide: Guide): Promise<void> {
  const { answers, dialogue, flag } = guide;
  const flags = {
    password: flag('est-user') ?? flag('est-password-file'),
    bootstrap: flag('bootstrap-cert') ?? flag('bootstrap-key'),
  };
  const standing = answers.text(`${EST}.bootstrap_cert`) === undefined ? 'password' : 'bootstrap';
  const isGiven = flags.password !== undefined || flags.bootstrap !== undefined;
  const isOpen = !isGiven && dialogue.asks;
  if (isOpen) dialogue.say('How does this gateway prove itself the first time?');
  const first = isOpen ? await dialogue.choose('Which one', FIRSTS, standing) : undefined;
  if (first === 'password' || flags.password !== undefined) await askPassword(guide);
  if (first === 'bootstrap' || flags.bootstrap !== undefined) await askBootstrap(guide);
  const others = { password: BOOTSTRAP, bootstrap: PASSWORD, none: [...PASSWORD, ...BOOTSTRAP] };
  for (const key of first === undefined ? [] : others[first]) answers.set(`${EST}.${key}`, undefined);
}

async function askPassword(guide: Guide): Promise<void> {
  const { answers, dialogue } = guide;
  const objection = (typed: string) => (typed === '' ? 'is needed' : undefined);
  await askSetting(guide, { name: `${EST}.username`, flag: 'est-user', words: 'User name', objection });
  const name = `${EST}.password_file`;
  const given = guide.flag('est-password-file');
  if (given !== undefined && (await isTakenOver(guide, resolve(given)))) return answers.set(name, passwordFile(guide));
  if (given !== undefined || !dialogue.asks) {
    return askSetting(guide, { name, flag: 'est-password-file', words: 'File with the password', isFile: true });
  }
  const kept = answers.text(name);
  for (;;) {
    const enter = kept === undefined ? '' : `; Enter: the one in ${kept}`;
    const typed = await dialogue.secret(`Password (not shown${enter})`);
    if (typed === '' && kept === undefined) continue;
    const file = kept ?? passwordFile(guide);
    if (typed !== '') await writeSecret(guide, file, typed, 'daemon');
    return answers.set(name, file);
  }
}

const passwordFile = (guide: Guide): string => beside(guide, 'est-password');

/** A file that only root can read is copied for the daemon, as a PIN file is. @returns whether it was */
async function isTakenOver(guide: Guide, file: string): Promise<boolean> {
  const { account, dialogue, errands } = guide;
  if (account === undefined || (await errands.whyUnreadable(file)) !== 'EACCES') return false;
  const password = await readSecret(file);
  if (password === undefined) return false;
  await writeSecret(guide, passwordFile(guide), password, 'daemon');
  dialogue.ok(`The password is kept in ${passwordFile(guide)}, for the user ${account.name} alone.`);
  return true;
}

async function askBootstrap(guide: Guide): Promise<void> {
  const about = { isFile: true, hint: 'a file (PEM), or a pkcs11: URI' };
  const certificate = { name: `${EST}.bootstrap_cert`, flag: 'bootstrap-cert', words: 'Bootstrap certificate' };
  await askSetting(guide, { ...about, ...certificate });
  await askSetting(guide, { ...about, name: `${EST}.bootstrap_key`, flag: 'bootstrap-key', words: 'Its key' });
}

async function isTried({ answers, dialogue, errands }: Guide): Promise<boolean> {
  const text = (key: string) => answers.text(`${EST}.${key}`);
  const [certificate, key] = [text('bootstrap_cert'), text('bootstrap_key')];
  const isInFiles = certificate?.startsWith('/') && key?.startsWith('/');
  try {
    const isAsked = await errands.tryEst({
      url: text('url') ?? '',
      caFile: text('ca_file') ?? '',
      username: text('username'),
      passwordFile: text('password_file'),
      bootstrap: isInFiles ? { certificate: certificate ?? '', key: key ?? '' } : undefined,
    });
    const isLater = certificate !== undefined && !isInFiles;
    const later = isLater ? '. The bootstrap identity in the token is tried with the first request' : '';
    dialogue.ok(`The EST server answers${isAsked ? ', and knows this gateway' : later}.`);
    return true;
  } catch (error) {
    dialogue.wrong(failureOf(error));
    return false;
  }
}
