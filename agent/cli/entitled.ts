import type { Account } from '../machine/account.ts';

/** The person who reads the screen, and will copy a command from it. */
export interface ScreenReader {
  /** Who is root without sudo needs none; nor does the daemon's own user. */
  readonly isRoot: boolean;
  /** Commands that only ask the daemon need no right: this user is in its group, or it is their own experiment. */
  readonly mayAsk: boolean;
}

/** @param account of the daemon; undefined where the configuration is an experiment of this user */
export function readerOf(env: NodeJS.ProcessEnv, account: Account | undefined, me = process): ScreenReader {
  const uid = me.geteuid?.() ?? 0;
  // In the shell after this command, this person is no root.
  if (env.SUDO_UID !== undefined && env.SUDO_UID !== '0') return { isRoot: false, mayAsk: false };
  const isRoot = uid === 0 || uid === account?.uid;
  return { isRoot, mayAsk: account === undefined || isRoot || (me.getgroups?.() ?? []).includes(account.gid) };
}

/** Where a command stands in a text. After `sudo` it does not, so a text that was changed already stays as it is. */
const BEGINS = '(?<=^|`|[:;,]\\s|\\b[Rr]un\\s|\\b[Tt]hen\\s|\\bor\\s)';
const SYSTEM =
  'systemctl\\s+(?:--\\S+\\s+)*(?:start|stop|restart|enable|disable|edit|daemon-reload)|journalctl|apt-get\\s+install|usermod|systemd-creds';
const NEWLEAF = 'newleaf\\s+(?:--instance\\s+\\S+\\s+)?';
/** For root: they read the PIN, or write where only root may. */
export const FOR_ROOT = ['init', 'check', 'decommission', 'support-bundle', 'uplink add', 'uplink remove', 'tpm'];
/** For the group of the daemon: they ask it. */
export const FOR_GROUP = ['status', 'reprovision', 'roll', 'csr', 'install', 'uplink list', 'uplink show'];

/** Texts name commands without sudo. Here it is added where this reader needs it: for each text in one place. */
export function sudoFor({ isRoot, mayAsk }: ScreenReader, isExperiment = false): (text: string) => string {
  if (isRoot) return (text) => text;
  const own = isExperiment ? [] : mayAsk ? FOR_ROOT : [...FOR_ROOT, ...FOR_GROUP];
  const names = own.map((name) => name.replace(' ', '\\s+')).join('|');
  const commands = [SYSTEM, ...(own.length === 0 ? [] : [`${NEWLEAF}(?:${names})`])].join('|');
  const pattern = new RegExp(`${BEGINS}(?=(?:${commands})\\b)`, 'g');
  return (text) => text.replace(pattern, 'sudo ');
}
