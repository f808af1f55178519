import type { Account } from '../machine/account.ts';
import { isContained } from '../machine/contained.ts';
import type { PrintedCommand, Rewriting } from '../machine/printed.ts';
import type { Caller, CommandSpec } from './kit/tool.ts';
import { NEWLEAF } from './table.ts';

/** The person who reads the screen, and will copy a command from it. */
export interface ScreenReader {
  /** Who is root without sudo needs none; nor does the daemon's own user. */
  readonly isRoot: boolean;
  /** Commands that only ask the daemon need no right: this user is in its group, or it is their own experiment. */
  readonly mayAsk: boolean;
}

/** @param account of the daemon; undefined where the configuration is an experiment of this user */
export function readerOf(env: NodeJS.ProcessEnv, account: Account | undefined, me = process): ScreenReader {
  // There is no sudo, also for a user that --user has chosen.
  if (isContained(env)) return { isRoot: true, mayAsk: true };
  const uid = me.geteuid?.() ?? 0;
  // In the shell after this command, this person is no root.
  if (env.SUDO_UID !== undefined && env.SUDO_UID !== '0') return { isRoot: false, mayAsk: false };
  const isRoot = uid === 0 || uid === account?.uid;
  return { isRoot, mayAsk: account === undefined || isRoot || (me.getgroups?.() ?? []).includes(account.gid) };
}

/** systemctl(1): these look, and all others change what runs. */
const LOOKING = ['status', 'show', 'cat', 'is-active', 'is-enabled'];
/** Only for root. journalctl(1) shows other users their own messages only, and none of them is the daemon's. */
const OF_ROOT = [
  'journalctl',
  'apt-get',
  'chmod',
  'chown',
  'groupadd',
  'install',
  'mount',
  'rm',
  'usermod',
  'systemd-creds',
  'systemd-sysusers',
  'systemd-tmpfiles',
];

/** Texts name commands without sudo. Here it is added where this reader needs it: for each text in one place. */
export function sudoFor({ isRoot, mayAsk }: ScreenReader, isExperiment = false): Rewriting {
  const mayCall: Readonly<Record<Caller, boolean>> = { root: isExperiment, group: isExperiment || mayAsk, user: true };
  const needsSudo = ({ program, args }: PrintedCommand): boolean => {
    if (program === 'newleaf') return !mayCall[callerOf(args)];
    if (program === 'systemctl') return !LOOKING.includes(args.find((word) => !word.startsWith('-')) ?? 'status');
    return OF_ROOT.includes(program);
  };
  return (command) => (isRoot || command.sudo || !needsSudo(command) ? command : { ...command, sudo: true });
}

/** What the table of commands says. A configuration that the command names is an experiment of its author. */
function callerOf(args: readonly string[]): Caller {
  if (args.includes('--config')) return 'user';
  const [head = '', tail = ''] = args[0] === '--instance' ? args.slice(2) : args;
  const commands = new Map(Object.entries<CommandSpec>(NEWLEAF.commands));
  return (commands.get(`${head} ${tail}`) ?? commands.get(head))?.caller ?? 'user';
}
