import type { Log } from '../machine/log.ts';
import type { SharedSession } from '../mqtt/hub-session.ts';
import type { Clock } from '../time/clock.ts';

export interface UplinkSettings {
  /** The state directory. */
  readonly directory: string;
  /** The directory with a directory for the socket of each program. */
  readonly sockets: string;
  /** Where root has its records of programs; another place for tests. */
  readonly tmpfiles?: string;
  /** `address:port`. */
  readonly tcp: string;
  /** Its names in the certificate; the host name where there are none. */
  readonly hosts?: readonly string[] | undefined;
  /** For each program. */
  readonly maxBytes: number;
  /** Milliseconds. */
  readonly maxAgeMs: number | undefined;
  readonly whenFull: 'refuse' | 'drop-oldest';
  /** Messages a second. */
  readonly rate: number;
}

export interface LazyUplinkOptions {
  readonly settings: UplinkSettings;
  readonly session: SharedSession;
  readonly clock: Clock;
  /** Wall clock in milliseconds; undefined while it is not credible. */
  readonly now: () => number | undefined;
  /** No clock before it is right: the build. Milliseconds since the epoch. */
  readonly earliest: number;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
}
