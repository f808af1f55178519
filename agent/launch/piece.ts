import { WORK } from '../../hsm/job.ts';

/** Goes on with a command of root as the daemon; the command follows (machine/go-on.ts). */
export const GO_ON = 'internal-go-on';

/** A file of the bundled program: a daemon carries no command, and `status` no daemon. */
export type Piece = 'daemon' | 'quick' | 'whole';

const QUICK = new Set(['help', '--help', '-h', 'version', '--version', '-V', '-v', 'status']);
/** Of hsm/jobs.ts: a roll waits for them. */
const QUICK_JOBS = new Set(['anew', 'destroy', 'tpm']);

/** The file that has this command. An option that comes before the command is for the whole, which has all of them. */
export function pieceFor([first, second = '']: readonly string[]): Piece {
  if (first === WORK) return QUICK_JOBS.has(second) ? 'quick' : 'whole';
  if (first === 'run' || (first === GO_ON && second === 'run')) return 'daemon';
  return first === undefined || QUICK.has(first) ? 'quick' : 'whole';
}
