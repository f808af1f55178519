import { stat } from 'node:fs/promises';
import type { Config } from '../../config/config.ts';
import { termsOf } from '../../config/terms.ts';
import { CODES, Fault } from '../../failure/failure.ts';
import { builtAt, version } from '../../machine/build.ts';
import { statusOf } from '../../roll/report.ts';
import { isGone, stateFile } from '../../state/journal.ts';
import { lastWords } from '../../state/last-words.ts';
import { readEntry } from '../../state/read-entry.ts';
import { fromNow } from '../moment.ts';
import { BEGIN_OR_LEAVE, NEW_OR_GIVEN_UP } from '../words.ts';

/**
 * The status from the state file, while the daemon does not run; undefined where it is absent, damaged, or unreadable.
 * @returns with the moment when it was written, wall clock in milliseconds
 * @throws Fault NL-STATE-DECOMMISSIONED: such a gateway must not be started
 */
export async function lastKnown(config: Config, now: number) {
  const { dps, state } = config;
  try {
    const entry = await readEntry(state.directory);
    if (entry === 'absent') return undefined;
    const about = { version, registrationId: dps.registration_id, terms: termsOf(config, builtAt), now };
    const status = statusOf(entry, about);
    return { status, writtenAt: (await stat(stateFile(state.directory))).mtimeMs };
  } catch (error) {
    if (error instanceof Fault && error.failure.code === 'NL-STATE-DECOMMISSIONED') throw error;
    // `newleaf check` reports its faults; here the file is only an extra.
    return undefined;
  }
}

/** Why the daemon does not run: its last words, or that none has ever run here; else the bare fact. */
export async function whyDown({ state }: Config, bare: Fault, now: number): Promise<Fault> {
  const words = await lastWords(state.directory);
  if (await isGone(state.directory)) return givenUp(bare);
  if (words === undefined) return (await isWithoutState(state.directory)) ? unbegun(bare) : bare;
  const { at, code, message, advice, byPerson, cause } = words;
  const ended = `It ended ${fromNow(Date.parse(at), now)}: ${code} ${message}`;
  return new Fault('NL-DAEMON-DOWN', { message: `The daemon does not run. ${ended}`, advice, byPerson, cause });
}

function givenUp({ failure: { message } }: Fault): Fault {
  const { means, advice } = CODES['NL-STATE-DECOMMISSIONED'];
  return new Fault('NL-DAEMON-DOWN', { message: `${message} ${means}`, advice });
}

function unbegun(bare: Fault): Fault {
  const { advice, message } = bare.failure;
  // A daemon that runs and does not answer has another advice.
  if (advice !== CODES['NL-DAEMON-DOWN'].advice) return bare;
  return new Fault('NL-DAEMON-DOWN', { message: `${message} ${NEW_OR_GIVEN_UP}`, advice: BEGIN_OR_LEAVE });
}

const isWithoutState = (directory: string): Promise<boolean> =>
  stat(stateFile(directory)).then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === 'ENOENT',
  );
