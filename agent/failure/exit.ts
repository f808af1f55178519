import type { Code, Failure } from './failure.ts';

/** The exit codes: documented in the help of the commands, and in the unit (RestartPreventExitStatus). */
export const EXIT = {
  done: 0,
  failed: 1,
  /** Usage or configuration. */
  usage: 2,
  /** Connected, but on the previous leaf. */
  kept: 3,
  /** A person must act; the sentence says who and what. */
  person: 4,
  /** The daemon does not run. */
  down: 5,
  /** `run` only: the module has lost its state, and a new process heals it. */
  restart: 6,
} as const;

/** Failures that a restart cannot help end with 2 or 4: systemd must not restart on those. */
const CODES: Partial<Record<Code, number>> = {
  'NL-CONFIG': EXIT.usage,
  'NL-STATE-CORRUPT': EXIT.person,
  'NL-STATE-OWNER': EXIT.person,
  'NL-STATE-NEWER': EXIT.person,
  'NL-STATE-DECOMMISSIONED': EXIT.person,
  'NL-TOKEN-PIN': EXIT.person,
  'NL-TOKEN-PIN-LOCKED': EXIT.person,
  'NL-TOKEN-PIN-FILE': EXIT.person,
  'NL-TOKEN-OCCUPIED': EXIT.person,
  'NL-ONBOARDING-LEAF': EXIT.person,
  'NL-TOKEN-POISONED': EXIT.restart,
  'NL-DAEMON-DOWN': EXIT.down,
};

export const exitOf = ({ code }: Pick<Failure, 'code'>): number => CODES[code] ?? EXIT.failed;
