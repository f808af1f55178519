import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { version } from '../build.ts';
import type { Config } from '../config.ts';
import { validateEntry } from '../entry.ts';
import { createJournal } from '../journal.ts';
import { lastWords } from '../last-words.ts';
import { Fault } from '../roll/failure.ts';
import { type Status, statusOf } from '../roll/report.ts';
import { termsOf } from '../terms.ts';
import { fromNow } from './moment.ts';

export interface LastKnown {
  readonly status: Status;
  /** Wall clock, milliseconds. */
  readonly writtenAt: number;
}

/**
 * What the state file says while the daemon does not run; undefined where it is absent, damaged, or not for this user.
 * @throws Fault NL-STATE-DECOMMISSIONED: then it is not to be started either
 */
export async function lastKnown(config: Config, now: number): Promise<LastKnown | undefined> {
  const { dps, state } = config;
  const labelPrefix = 'tpm' in config ? '' : config.hsm.label_prefix;
  try {
    const entry = await createJournal({ directory: state.directory, validate: validateEntry }).read();
    if (entry === 'absent') return undefined;
    const terms = termsOf(config);
    const status = statusOf(
      { ...entry, flaps: 0, unreached: 0 },
      { version, registrationId: dps.registration_id, labelPrefix, terms, now },
    );
    return { status, writtenAt: (await stat(join(state.directory, 'state.json'))).mtimeMs };
  } catch (error) {
    if (error instanceof Fault && error.failure.code === 'NL-STATE-DECOMMISSIONED') throw error;
    // `newleaf check` says what is wrong with it; here it is only something extra.
    return undefined;
  }
}

/** What the daemon said when it ended, in place of the bare fact that it does not run. */
export async function whyDown({ state }: Config, bare: Fault, now: number): Promise<Fault> {
  const words = await lastWords(state.directory);
  if (words === undefined) return bare;
  const ended = `It ended ${fromNow(Date.parse(words.at), now)}: ${words.code} ${words.message}`;
  return new Fault('NL-DAEMON-DOWN', { message: `The daemon does not run. ${ended}`, advice: words.advice });
}
