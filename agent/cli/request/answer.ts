import type { Reply } from '../../control/client.ts';
import { EXIT, exitOf } from '../../failure/exit.ts';
import { type Code, failure } from '../../failure/failure.ts';
import { isCode } from '../../failure/failure-of.ts';
import { type Complaint, complaint, type Io } from '../kit/command.ts';
import { screenOf } from '../kit/screen.ts';
import { fromNow } from '../moment.ts';

interface Body {
  readonly code?: string;
  readonly message?: string;
  readonly advice?: string;
  /** The wrong field of the request. */
  readonly field?: string;
  readonly retryAfterSeconds?: number;
}

/**
 * Reports an answer that is not a success.
 * @param inbox where a leaf can wait until it is valid
 * @returns the exit code
 */
export function tellRefusal({ status, body }: Reply, { err, env }: Io, inbox = 'the inbox'): number {
  const tell = (what: Complaint) => err.write(complaint(what, screenOf(err, env)));
  const said: Body = typeof body === 'object' && body !== null ? body : {};
  const { code, field, retryAfterSeconds, message = `The daemon answered ${status}.` } = said;
  if (field !== undefined) {
    tell({ message: `${message}.` });
    return EXIT.usage;
  }
  const known = isCode(code) ? code : 'NL-INTERNAL';
  const advice = retryAfterSeconds === undefined ? said.advice : later(known, retryAfterSeconds, inbox);
  const met = failure(known, { message, advice });
  tell(met);
  return known === 'NL-ISSUER-PERSON' ? EXIT.person : exitOf(met);
}

function later(code: Code, seconds: number, inbox: string): string {
  if (code !== 'NL-LEAF-NOT-YET') return `Ask again in ${seconds} s.`;
  const valid = `It becomes valid ${fromNow(seconds * 1000, 0)}: install it then, or put it into ${inbox}, where it waits.`;
  return `${valid} If it should be valid now, check the clock with \`timedatectl\`.`;
}
