import { EXIT, exitOf } from '../../failure/exit.ts';
import { type Code, Fault } from '../../failure/failure.ts';
import type { Status } from '../../roll/report.ts';
import type { Phase } from '../../roll/state.ts';
import type { Complaint } from '../kit/command.ts';
import { isCode } from './answer.ts';

/** newleaf tries again by itself, and it cannot help before a person has acted. */
const needsPerson = (code: Code): boolean => exitOf({ code }) === EXIT.person;

/** Where a roll meets such a failure: the place of its key is not free. */
const BEFORE_KEY: ReadonlySet<Phase> = new Set<Phase>(['generating-key', 'retiring-key']);

/** A roll of this ID waits for its key. Other requests go on beside a key that cannot be made. */
const waitsForKey = ({ request, phase }: Status, id: string): boolean =>
  request?.id === id && request.action === 'roll' && BEFORE_KEY.has(phase);

/** A failure that was heard while a request is followed, as the end of it; undefined where the request goes on. */
export function hopeless(id: string, status: Status, { code, message, advice }: Complaint): Fault | undefined {
  if (!waitsForKey(status, id) || !isCode(code) || !needsPerson(code)) return undefined;
  const told = `${message} newleaf cannot end this by itself, and the request ${id} waits: a person is needed.`;
  return new Fault(code, { message: told, ...(advice !== undefined && { advice }) });
}

/** Finds such a failure that happened before the events were heard: it stands in the status, and stays there. */
export class Lingering {
  readonly #id: string;
  readonly #forMs: number;
  /** It stood there before the request: a new one is heard as an event. */
  #earlier: Code | undefined;
  #since: { readonly code: Code; readonly at: number } | undefined;

  /** @param forMs how long it must stay, in milliseconds */
  constructor(id: string, forMs: number, earlier?: Code) {
    this.#id = id;
    this.#forMs = forMs;
    this.#earlier = earlier;
  }

  /** @returns the end of the request, where a person has to act */
  look(status: Status): Fault | undefined {
    const { trouble } = status;
    const end = trouble && hopeless(this.#id, status, trouble);
    if (trouble?.code !== this.#earlier) this.#earlier = undefined;
    if (trouble === undefined || end === undefined || trouble.code === this.#earlier) {
      this.#since = undefined;
      return undefined;
    }
    if (this.#since?.code !== trouble.code) this.#since = { code: trouble.code, at: performance.now() };
    return performance.now() - this.#since.at < this.#forMs ? undefined : end;
  }
}
