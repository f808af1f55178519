import { plainCause } from '../failure/cause.ts';
import type { Failure } from '../failure/failure.ts';
import type { Line } from './log.ts';

/** The fields of a line about a failure. Apart from log.ts: a file that is bundled apart is handed its log, and carries no pino. */
export function failureFields({
  code,
  message,
  advice,
  cause,
  retryAfterMs,
}: Omit<Failure, 'kind'>): Omit<Line, 'event'> {
  return { code, message, advice, cause: cause === undefined ? cause : plainCause(cause), retryInMs: retryAfterMs };
}
