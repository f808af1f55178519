import type { Config } from '../config/config.ts';
import { termsOf } from '../config/terms.ts';
import type { DaemonOptions } from '../daemon/daemon.ts';
import { DaemonView } from '../daemon/view.ts';
import { builtAt, version } from '../machine/build.ts';
import type { Log } from '../machine/log.ts';
import { createNotify } from '../machine/notify.ts';
import type { SessionUser } from '../mqtt/hub-session.ts';
import { validateEntry } from '../state/entry.ts';
import { createJournal } from '../state/journal.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import { attested } from './attested.ts';

/** What both assemblies are given. */
export interface Given<C extends Config = Config> {
  readonly config: C;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  readonly clock?: Clock;
  /** A second user of the session with the hub. */
  readonly user?: SessionUser;
}

type Shared = 'journal' | 'clock' | 'draw' | 'log' | 'notify' | 'terms' | 'version' | 'registrationId' | 'view';
type Foundation = Required<Pick<DaemonOptions, Shared>>;

/** The parts that every daemon has; keys, far side and first leaf come from the assembly. */
export function foundationOf({ config, log, env, clock = systemClock }: Given): Foundation {
  const { directory } = config.state;
  return {
    journal: attested(createJournal({ directory, validate: validateEntry }), config),
    clock,
    draw: Math.random,
    log,
    notify: createNotify(env, (cause) => log.warn({ event: 'notify-failed', cause: cause.message })),
    terms: termsOf(config, builtAt),
    version,
    registrationId: config.dps.registration_id,
    view: new DaemonView(),
  };
}
