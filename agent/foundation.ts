import { attested } from './attested.ts';
import { version } from './build.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Config } from './config.ts';
import type { DaemonOptions } from './daemon.ts';
import { validateEntry } from './entry.ts';
import { createJournal } from './journal.ts';
import type { Log } from './log.ts';
import { createNotify } from './notify.ts';
import { termsOf } from './terms.ts';

/** What an assembly is given, whatever the gateway attests by. */
export interface Given<C extends Config = Config> {
  readonly config: C;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  readonly clock?: Clock;
}

type Foundation = Pick<
  DaemonOptions,
  'journal' | 'clock' | 'draw' | 'log' | 'notify' | 'terms' | 'version' | 'registrationId'
>;

/** What every daemon stands on; its keys, its far side and its first leaf are for the assembly to bring. */
export function foundationOf({ config, log, env, clock = systemClock }: Given): Foundation {
  const { directory } = config.state;
  return {
    journal: attested(createJournal({ directory, validate: validateEntry }), config),
    clock,
    draw: Math.random,
    log,
    notify: createNotify(env, (cause) => log.warn({ event: 'notify-failed', cause: cause.message })),
    terms: termsOf(config),
    version,
    registrationId: config.dps.registration_id,
  };
}
