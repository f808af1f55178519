import type { ParsedArguments } from '../kit/parse.ts';
import { timeoutOf } from '../timeout.ts';

/** Two minutes: a gateway on a slow link needs a few seconds; a script or a person should not wait longer than this. */
const STANDARD_MS = 120_000;

/** How long init works. */
export interface Limit {
  readonly ms: number;
  /** A person may take longer than that, unless the command line says how long. */
  readonly isForPerson: boolean;
}

/** @throws Misuse */
export function limitOf(args: ParsedArguments): Limit {
  const given = timeoutOf(args);
  return { ms: given ?? STANDARD_MS, isForPerson: given !== undefined };
}
