import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { Fault } from '../failure/failure.ts';
import type { Handed } from './handed.ts';
import { asUser, forbidden, mayTurn, SETPRIV_FAILED } from './turn.ts';

const SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const;

/** A process that has to end by itself gets so much longer before it is killed. */
const GRACE_MS = 10_000;

/**
 * Lets a command of root go on as the account, in a process of its own; ends by its signal as that does. Terminal, stdin,
 * stdout and stderr are those of the command. Where Node admits it, that process turns into the account by itself.
 * @param again argv of the command, for a process that reads the handed values (handed.ts)
 * @returns its exit code
 * @throws Fault NL-INTERNAL where the system forbids it, or where it does not end in time
 */
export async function goOn(again: readonly string[], handed: Handed): Promise<number> {
  const { account, unit, leftMs } = handed;
  // A signal that kills this process kills the other: there is one command.
  const turning = mayTurn() ? [] : asUser(account, unit, '--pdeathsig=KILL');
  const [file = '', ...args] = [...turning, ...again];
  const child = spawn(file, args, { stdio: ['inherit', 'inherit', 'inherit', 'pipe'] });
  const handOn = (signal: NodeJS.Signals) => void (isFromTerminal(signal) || child.kill(signal));
  for (const signal of SIGNALS) process.on(signal, handOn);
  let isLate = false;
  const late = () => {
    isLate = child.kill('SIGKILL');
  };
  const limit = leftMs === undefined ? undefined : setTimeout(late, leftMs + GRACE_MS);
  const way = child.stdio[3] as Writable;
  // If it ends before it reads, its exit code says so.
  way.on('error', () => undefined).end(JSON.stringify(handed));
  const [code, signal] = await once(child, 'exit').catch((cause: unknown) => {
    throw forbidden(account.name, cause);
  });
  clearTimeout(limit);
  for (const one of SIGNALS) process.off(one, handOn);
  if (isLate) throw new Fault('NL-INTERNAL', { message: HANGS, advice: 'See which with `newleaf check`.' });
  if (code === SETPRIV_FAILED) throw forbidden(account.name, `setpriv ended with ${code}`);
  if (signal !== null) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  return code;
}

const HANGS = 'newleaf did not end in time, and was killed: a PKCS#11 module hangs.';

/** The terminal sends Ctrl-C to all processes in its foreground: sending it on would make a second one, which ends at once. */
function isFromTerminal(signal: NodeJS.Signals): boolean {
  if (signal !== 'SIGINT' && signal !== 'SIGQUIT') return false;
  // proc_pid_stat(5): (comm) state ppid pgrp session tty_nr tpgid
  const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return group === foreground;
}
