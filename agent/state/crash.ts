import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Failure, failure } from '../failure/failure.ts';
import { lastWords } from './last-words.ts';

/** Its name, in newleaf.service and newleaf-container as well. */
const FILE = 'crashed';

const HOW: Readonly<Record<string, string>> = {
  watchdog: 'newleaf has hung until the watchdog ended it, most likely in the PKCS#11 module',
  ...Object.fromEntries(
    ['SEGV', 'BUS', 'ILL', 'FPE'].map((signal) => [
      signal,
      `newleaf has crashed, most likely in the PKCS#11 module (SIG${signal})`,
    ]),
  ),
};

export interface Crashes {
  /** In a row: a daemon that has run for an hour, or was told to end, has begun anew (last-words.ts). */
  readonly times: number;
  /** The last one, where it has not been told yet. */
  readonly untold?: Failure;
}

/**
 * A process that crashes can say nothing. What watches over it notes the signal, or "watchdog": systemd by ExecStopPost=, in a
 * container the first process.
 * @param directory for the note, which is taken away
 * @param state the state directory
 */
export async function crashesBefore(directory: string, state: string): Promise<Crashes> {
  const path = join(directory, FILE);
  const noted = (await readFile(path, 'utf8').catch(() => '')).trim();
  const how = Object.hasOwn(HOW, noted) ? HOW[noted] : undefined;
  await rm(path, { force: true }).catch(() => {});
  const before = await lastWords(state);
  const known = before?.code === 'NL-TOKEN-CRASHED' ? (before.times ?? 1) : 0;
  if (how === undefined) return { times: known };
  const times = Math.min(known + 1, 2);
  const message = `${how}${times > 1 ? ', not for the first time' : ''}.`;
  return { times, untold: failure('NL-TOKEN-CRASHED', { message }) };
}
