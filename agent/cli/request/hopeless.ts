import { EXIT, exitOf } from '../../failure/exit.ts';
import { type Code, Fault } from '../../failure/failure.ts';
import type { Status } from '../../roll/report.ts';
import type { Complaint } from '../kit/command.ts';
import { isCode } from './answer.ts';

/** newleaf tries again by itself, and it cannot help before a person has acted. */
const needsPerson = (code: Code): boolean => exitOf({ code }) === EXIT.person;

/** A failure of the request that is followed, as its end. */
export function hopeless(id: string, { code, message, advice }: Complaint): Fault | undefined {
  if (!isCode(code) || !needsPerson(code)) return undefined;
  const told = `${message} newleaf cannot end this by itself, and the request ${id} waits: a person is needed.`;
  return new Fault(code, { message: told, ...(advice !== undefined && { advice }) });
}

/**
 * Finds such a failure that happened before the events were heard: it stands in the status, and stays there. What was met by
 * an earlier request goes as soon as this one has come further.
 */
export class Lingering {
  readonly #id: string;
  readonly #forMs: number;
  #since: { readonly code: Code; readonly at: number } | undefined;

  /** @param forMs how long it must stay, in milliseconds */
  constructor(id: string, forMs: number) {
    this.#id = id;
    this.#forMs = forMs;
  }

  /** @returns the end of the request, where a person has to act */
  look({ request, trouble }: Status): Fault | undefined {
    const code = trouble?.code;
    if (trouble === undefined || code === undefined || request?.id !== this.#id || !needsPerson(code)) {
      this.#since = undefined;
      return undefined;
    }
    if (this.#since?.code !== code) this.#since = { code, at: performance.now() };
    return performance.now() - this.#since.at < this.#forMs ? undefined : hopeless(this.#id, trouble);
  }
}
