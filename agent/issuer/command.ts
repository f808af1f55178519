import { createHash } from 'node:crypto';
import { certificatePem, certificatesOf, toPem } from '../certificate/pem.ts';
import { type Code, Fault } from '../failure/failure.ts';
import type { Issuer } from '../roll/ports.ts';
import { timeLimit } from '../time/limited.ts';
import { neededOf } from './inherited.ts';
import { type Ended, runProgram } from './program.ts';

export interface CommandSettings {
  /** Path of the program, then its arguments. */
  readonly argv: readonly string[];
  /** NEWLEAF_REGISTRATION_ID, and where there is a current leaf NEWLEAF_CERTIFICATE_CHAIN: it and its intermediates, PEM. */
  readonly environment: () => Promise<Readonly<Record<string, string>>>;
  /** Keeps one text over a restart. */
  readonly cookies: {
    read(): Promise<string | undefined>;
    write(cookie: string | undefined): Promise<void>;
  };
  /** For one call of the program, in milliseconds. */
  readonly deadlineMs?: number;
  /** Gets what the program writes to stderr, line by line, shortened. */
  readonly log: (line: string) => void;
}

const DEADLINE_MS = 60_000;
const LARGEST_ANSWER = 256 * 1024;
/** It travels in an environment variable, and Linux takes 128 KiB for one (execve(2), MAX_ARG_STRLEN). */
const LONGEST_COOKIE = 4_096;

/**
 * The operator's own program signs. It gets the request on stdin and, as the enrollment helpers of certmonger do, in
 * CERTMONGER_CSR; CERTMONGER_CERTIFICATE is the current leaf; CERTMONGER_OPERATION is SUBMIT, or POLL with the
 * CERTMONGER_CA_COOKIE that the program printed for this request before. Exit codes as in certmonger's doc/helpers.txt: 0
 * issued, 1 wait (stdout: a cookie), 2 rejected, 3 unreachable, 4 unconfigured, 5 wait (stdout: seconds, line end, cookie), 6
 * not supported, 17 needs a new key.
 *
 * `issue` throws the reason of its abort signal, or `Fault`: NL-CMD-…, NL-ISSUER-NEW-KEY, NL-LEAF-PARSE where the output is no
 * certificate, and the errors of `cookies`.
 */
export function createCommand(settings: CommandSettings): Issuer {
  const { argv, environment, cookies, deadlineMs = DEADLINE_MS, log } = settings;
  return {
    async issue(csrPem, abort) {
      // The cookie of another request would fetch the leaf of another key.
      const mark = `${createHash('sha256').update(csrPem).digest('hex')} `;
      const written = await cookies.read();
      const cookie = written?.startsWith(mark) ? written.slice(mark.length) : undefined;
      const given = await environment();
      abort.throwIfAborted();
      const deadline = timeLimit(deadlineMs);
      const ended = await runProgram({
        argv,
        env: { ...neededOf(process.env), ...given, ...asCertmonger(csrPem, given.NEWLEAF_CERTIFICATE_CHAIN, cookie) },
        stdin: csrPem,
        maxBytes: LARGEST_ANSWER,
        signal: AbortSignal.any([abort, deadline]),
        log,
      }).catch((cause: unknown) => {
        throw new Fault('NL-CMD-FAILED', { message: `${argv[0]} cannot be run.`, cause });
      });
      abort.throwIfAborted();
      if (ended.cut) throw failed(`printed more than ${LARGEST_ANSWER} bytes`, ended);
      if (deadline.aborted && ended.code !== 0) throw failed(`did not finish within ${deadlineMs / 1000} s`, ended);
      const said = understand(ended);
      if (said.isOver && written !== undefined) await cookies.write(undefined);
      if (said.cookie) await cookies.write(`${mark}${said.cookie}`);
      if (said.fault !== undefined) throw said.fault;
      return toPem(ended.stdout);
    },
  };
}

function asCertmonger(csrPem: string, chain = '', cookie?: string): NodeJS.ProcessEnv {
  const [leaf] = certificatesOf(chain);
  return {
    CERTMONGER_CSR: csrPem,
    CERTMONGER_OPERATION: cookie === undefined ? 'SUBMIT' : 'POLL',
    ...(leaf !== undefined && { CERTMONGER_CERTIFICATE: certificatePem(leaf) }),
    ...(cookie !== undefined && { CERTMONGER_CA_COOKIE: cookie }),
  };
}

interface Said {
  /** None where the leaf is issued. */
  readonly fault?: Fault;
  /** The request has been decided: the program is not asked about it again. */
  readonly isOver?: boolean;
  /** For the next call. After an empty one the previous cookie stays in force. */
  readonly cookie?: string;
}

/** Throws `Fault` NL-CMD-FAILED for output that says nothing about the request. */
function understand(ended: Ended): Said {
  const { code, by, stdout } = ended;
  switch (code) {
    case 0:
      return { isOver: true };
    case 1:
      return { fault: new Fault('NL-CMD-WAIT'), cookie: cookieIn(stdout.toString('utf8'), ended) };
    case 2:
      return { fault: told('NL-CMD-REFUSED', ended), isOver: true };
    case 3:
      return { fault: told('NL-CMD-UNREACHABLE', ended) };
    case 4:
    case 6:
      return { fault: told('NL-CMD-UNCONFIGURED', ended) };
    case 5:
      return waitIn(ended);
    case 17:
      return { fault: told('NL-ISSUER-NEW-KEY', ended), isOver: true };
    default:
      throw failed(code === null ? `was ended by ${by}` : `ended with ${code}, which means nothing here`, ended);
  }
}

function waitIn(ended: Ended): Said {
  const [first = '', ...rest] = ended.stdout.toString('utf8').split('\n');
  if (!/^\d{1,9}$/.test(first.trim())) throw failed('ended with 5, and its first line is no number of seconds', ended);
  const fault = new Fault('NL-CMD-WAIT', { retryAfterMs: Number(first) * 1000 });
  return { fault, cookie: cookieIn(rest.join('\n'), ended) };
}

function cookieIn(printed: string, ended: Ended): string {
  const cookie = printed.trim();
  if (cookie.length > LONGEST_COOKIE || cookie.includes('\0')) {
    throw failed(`printed a cookie that is no text of up to ${LONGEST_COOKIE} characters`, ended);
  }
  return cookie;
}

/** certmonger: "output an error message, and exit with status 2". */
const told = (code: Code, { stdout, stderr }: Ended): Fault =>
  new Fault(code, { cause: oneLine(stdout.toString('utf8')) || oneLine(stderr) || undefined });

const failed = (what: string, { stderr }: Ended): Fault =>
  new Fault('NL-CMD-FAILED', { message: `The command ${what}.`, cause: oneLine(stderr) || undefined });

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
