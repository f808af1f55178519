import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Late: no test has failed, and not all have ended. On a machine under load, that says nothing about the tests. */
export type Outcome = { readonly is: 'passed' | 'late' } | { readonly is: 'failed'; readonly said: string };

/** The breakage does not even load: its failures prove nothing. */
const UNREADABLE = /SyntaxError|TransformError|ReferenceError|ERR_MODULE_NOT_FOUND/;
/** A line of a failure in a report of node:test (TAP, or spec). */
const FAILURE = /^\s*(not ok|✖|error:|[+-] )/;

/**
 * Runs a file of tests in a process of its own, with a deadline: a broken machine may never stop.
 * @throws Error where the file cannot be loaded
 */
export async function outcomeOf(file: string, deadlineMs: number): Promise<Outcome> {
  const options = { timeout: deadlineMs, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024 } as const;
  try {
    await promisify(execFile)(process.execPath, ['--import', 'tsx', file], options);
    return { is: 'passed' };
  } catch (error) {
    return read(error as Ended, file);
  }
}

/** What a process that did not end with 0 says of its tests. @throws Error where the file cannot be loaded */
export function read({ stdout = '', stderr = '', killed, code }: Ended, file: string): Outcome {
  const said = stdout + stderr;
  if (UNREADABLE.test(said)) throw new Error(`${file} cannot run:\n${said.slice(-4000)}`);
  const failed = said.split('\n').filter((text) => FAILURE.test(text));
  if (killed === true && code !== TOO_MUCH && failed.length === 0) return { is: 'late' };
  // The walk throws, without a line of a failure.
  return { is: 'failed', said: failed.length > 0 ? failed.join('\n') : said.slice(-4000) };
}

/** A process is killed for what it prints, too. */
const TOO_MUCH = 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER';

/** The error of execFile. */
interface Ended {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly killed?: boolean;
  readonly code?: unknown;
}
