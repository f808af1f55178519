import { TokenError, tokenError } from './ckr.ts';
import { type NoAnswer, Worker } from './worker.ts';

/** Plain values: a TokenError on its way from one process to another. */
export type TokenToldError = Pick<TokenError, 'kind' | 'code' | 'message' | 'advice' | 'byPerson'>;

/** For `Job.explain`. @param doing the work, as the beginning of a sentence */
export function tellTokenError(error: unknown, doing: string): TokenToldError {
  const { kind, code, message, advice, byPerson } = tokenError(error, 'opening', doing);
  return { kind, code, message, advice, byPerson };
}

/**
 * For `revive` of a worker. The process had a module of its own, and has ended: that a restart heals that module says nothing
 * about the one in this process.
 */
export function toldTokenError({ kind, code, message, advice, byPerson }: TokenToldError): TokenError {
  const told = new TokenError(kind === 'poisoned' ? 'failed' : kind, code, message, undefined, advice, byPerson);
  return kind === 'poisoned' ? lasting(told) : told;
}

const lasting = (error: TokenError): TokenError => Object.assign(error, { isLasting: true });

/**
 * For `unanswered` of a worker: CHILD_TIMEOUT where it was killed, CHILD_ENDED where it crashed or cannot start.
 * @param doing the work, as the beginning of a sentence
 */
export function unansweredTokenError({ why, how }: NoAnswer, doing: string, limitMs: number): TokenError {
  const code = why === 'late' ? 'CHILD_TIMEOUT' : 'CHILD_ENDED';
  const message = {
    late: `nothing happened for ${limitMs / 1000} s, and its process was killed.`,
    ended: `its process ended without an answer: ${how}.`,
    unstarted: `its process cannot be started: ${how}`,
  }[why];
  const words = `${doing}: ${message}`;
  // One that was killed, or has crashed, may do better the next time: that costs no minutes.
  return why === 'late' ? lasting(new TokenError('hung', code, words)) : new TokenError('failed', code, words);
}

/**
 * One call of a job (jobs.ts) with a token, in a process of its own.
 * @param doing the work, as the beginning of a sentence
 * @param limitMs after which the process is killed
 * @throws TokenError of that process; CHILD_TIMEOUT, CHILD_ENDED
 */
export function askOnce(job: string, request: object, doing: string, limitMs: number): Promise<void> {
  const worker = new Worker<Record<string, (request: object) => void>, TokenToldError>({
    job: [job],
    limitMs,
    revive: toldTokenError,
    unanswered: (none) => unansweredTokenError(none, doing, limitMs),
  });
  return worker.ask(job, request);
}
