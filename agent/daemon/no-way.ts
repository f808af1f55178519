import type { Failure } from '../failure/failure.ts';
import { failureFields } from '../machine/failure-fields.ts';
import type { Log } from '../machine/log.ts';
import type { Advanced } from '../roll/core/advance.ts';
import { entryOf } from '../roll/core/entry.ts';
import type { Circumstances, Memory } from '../roll/core/memory.ts';
import { noWay } from '../roll/core/no-way.ts';

/** So old a process has found no way by itself, in milliseconds: a fresh one forgets all that is of a process. */
const OLD_MS = 75 * 60_000;

/** Holds the machine to the law of ends while it runs. */
export class NoWay {
  readonly #log: Log;
  #failure: Failure | undefined;

  constructor({ log }: { readonly log: Log }) {
    this.#log = log;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** @returns why a fresh process is the next cure; undefined where there is a way, or the next look may find one */
  follow({ memory, plan }: Pick<Advanced, 'memory' | 'plan'>, c: Circumstances): Failure | undefined {
    const before = this.#failure;
    this.#failure = noWay(memory, plan, c);
    if (this.#failure === undefined) return undefined;
    if (before === undefined)
      this.#log.error({ event: 'no-way', ...failureFields(this.#failure), memory: textOf(memory) });
    return c.age > OLD_MS && memory.online === undefined ? this.#failure : undefined;
  }
}

/** All that newleaf knows, without its certificates: no secret is in it. */
const textOf = (memory: Memory): string =>
  JSON.stringify(entryOf(memory), (field, value) => (field === 'chain' ? undefined : value));
