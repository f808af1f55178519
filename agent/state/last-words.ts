import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure } from '../failure/failure.ts';
import { CODES } from '../failure/failure.ts';
import { readRegular, writeAtomically } from './durable.ts';

/** Why a daemon has ended: until another runs, there is no process for `newleaf status` to ask. */
interface LastWords extends Pick<Failure, 'code' | 'message' | 'advice' | 'byPerson' | 'cause'> {
  /** ISO 8601. */
  readonly at: string;
  /** How many daemons in a row have ended so, where it is counted. */
  readonly times?: number;
}

const pathIn = (directory: string): string => join(directory, 'ended.json');

/** After so long the reason is out of date; a daemon that ends sooner may end for the same reason again and again. */
export const FORGET_MS = 3_600_000;

/**
 * Leaves them in the state directory, readable for its group. The same words keep their moment: no daemon has run since then,
 * and for a token that is away for a week they would be written again each half minute.
 * @param at wall clock, milliseconds
 * @throws Fault NL-STATE-WRITE
 */
export async function leaveWords(directory: string, why: Failure, at: number, times?: number): Promise<void> {
  const { code, message, advice, byPerson, cause } = why;
  const before = await lastWords(directory);
  // The cause may differ each time, as by a number in it.
  if (before?.code === code && before.message === message && before.advice === advice) return;
  const words: LastWords = {
    at: new Date(at).toISOString(),
    code,
    message,
    advice,
    ...(byPerson !== undefined && { byPerson }),
    ...(cause !== undefined && { cause }),
    ...(times !== undefined && { times }),
  };
  await writeAtomically(pathIn(directory), `${JSON.stringify(words)}\n`, 0o640);
}

/** Faults that end a daemon that runs: they may end the next one in a moment, too. */
const OF_RUNNING: readonly unknown[] = ['NL-TOKEN-POISONED', 'NL-TOKEN-CRASHED'];

/**
 * A daemon has opened state and token: the faults that ended an earlier one before that are over.
 * @throws the error of the file system
 */
export async function forgetStart(directory: string): Promise<void> {
  if (!OF_RUNNING.includes((await lastWords(directory))?.code)) await forgetWords(directory);
}

/** A daemon has run again, and not ended for the same reason. @throws the error of the file system */
export async function forgetWords(directory: string): Promise<void> {
  await rm(pathIn(directory), { force: true });
}

/** Undefined where there are none, or they cannot be read: they are only an extra. */
export async function lastWords(directory: string): Promise<LastWords | undefined> {
  try {
    const words = JSON.parse(await readRegular(pathIn(directory))) as LastWords;
    return Object.hasOwn(CODES, words.code) && !Number.isNaN(Date.parse(words.at)) ? words : undefined;
  } catch {
    return undefined;
  }
}
