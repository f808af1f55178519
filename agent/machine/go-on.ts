import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { Handed } from './handed.ts';
import { asUser, forbidden, SETPRIV_FAILED } from './turn.ts';

const SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Lets a command of root go on as the account, in a process of its own, and ends as that ends: with its exit code, or by its
 * signal. Terminal, stdin, stdout and stderr are those of the command.
 * @param again argv of the command, for a process that reads the handed values (handed.ts)
 * @throws Fault NL-INTERNAL where the system forbids it
 */
export async function goOn(again: readonly string[], handed: Handed): Promise<never> {
  const { account, unit } = handed;
  // A signal that kills this process kills the other: there is one command.
  const [file = '', ...args] = [...asUser(account, unit, '--pdeathsig=KILL'), ...again];
  const child = spawn(file, args, { stdio: ['inherit', 'inherit', 'inherit', 'pipe'] });
  for (const signal of SIGNALS) process.on(signal, () => void (isFromTerminal(signal) || child.kill(signal)));
  const way = child.stdio[3] as Writable;
  // If it ends before it reads, its exit code says so.
  way.on('error', () => undefined).end(JSON.stringify(handed));
  const [code, signal] = await once(child, 'exit').catch((cause: unknown) => {
    throw forbidden(account.name, cause);
  });
  if (code === SETPRIV_FAILED) throw forbidden(account.name, `setpriv ended with ${code}`);
  if (signal !== null) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  process.exit(code);
}

/** The terminal sends Ctrl-C to all processes in its foreground: sending it on would make a second one, which ends at once. */
function isFromTerminal(signal: NodeJS.Signals): boolean {
  if (signal !== 'SIGINT' && signal !== 'SIGQUIT') return false;
  // proc_pid_stat(5): (comm) state ppid pgrp session tty_nr tpgid
  const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return group === foreground;
}
