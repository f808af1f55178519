import { durationMs } from '../config/duration.ts';
import { Misuse, textOption } from './kit/command.ts';
import type { ParsedArguments } from './kit/parse.ts';

/** A timer of Node cannot wait longer: 2^31 ms. */
const LONGEST_MS = 24 * 86_400_000;

/** The value of --timeout in milliseconds; undefined where it is not given. @throws Misuse */
export function timeoutOf(args: ParsedArguments): number | undefined {
  const given = textOption(args, 'timeout');
  if (given === undefined) return undefined;
  const ms = durationMs(given);
  if (ms === undefined || ms === 0 || ms > LONGEST_MS)
    throw new Misuse('--timeout must be a duration of up to 24day, such as "90s" or "10min".');
  return ms;
}
