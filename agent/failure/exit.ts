import type { Code, Failure } from './failure.ts';

/** What the process says when it ends: documented in the help of the commands, and in the unit (RestartPreventExitStatus). */
export const EXIT = {
  done: 0,
  failed: 1,
  /** Usage or configuration. */
  usage: 2,
  /** Connected, but on the previous leaf. */
  kept: 3,
  /** Somebody must do something; the sentence says who and what. */
  person: 4,
  /** The daemon does not run. */
  down: 5,
  /** `run` only: the module has lost its state, and a new process heals it. */
  restart: 6,
} as const;

/** Where a restart cannot help, systemd must not try: these end with 2 or 4. */
const CODES: Partial<Record<Code, number>> = {
  'NL-CONFIG': EXIT.usage,
  'NL-STATE-CORRUPT': EXIT.person,
  'NL-STATE-DECOMMISSIONED': EXIT.person,
  'NL-TOKEN-PIN': EXIT.person,
  'NL-TOKEN-PIN-LOCKED': EXIT.person,
  'NL-TOKEN-PIN-FILE': EXIT.person,
  'NL-TOKEN-POISONED': EXIT.restart,
  'NL-DAEMON-DOWN': EXIT.down,
};

export const exitOf = ({ code }: Failure): number => CODES[code] ?? EXIT.failed;
