import { durationMs } from '../../config/duration.ts';
import { textOption } from '../kit/command.ts';
import type { ParsedArguments } from '../kit/parse.ts';
import { wrongFlag } from './guide.ts';

/** A gateway on a slow link needs a few seconds; a script or a person should not wait longer than this. */
const STANDARD = '2min';

const LONGEST_MS = 24 * 24 * 3_600_000;

/** How long init works. */
export interface Limit {
  readonly ms: number;
  /** A person may take longer than that, unless the command line says how long. */
  readonly isForPerson: boolean;
}

/** @throws Fault NL-CONFIG */
export function limitOf(args: ParsedArguments): Limit {
  const given = textOption(args, 'timeout');
  const ms = durationMs(given ?? STANDARD);
  // A timer of Node cannot wait longer: 2^31 ms.
  if (ms === undefined || ms === 0 || ms > LONGEST_MS) {
    throw wrongFlag('timeout', 'must be a duration of up to 24day, such as "90s" or "2min"');
  }
  return { ms, isForPerson: given !== undefined };
}
