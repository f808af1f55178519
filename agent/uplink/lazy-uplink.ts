import { failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import { failureFields } from '../machine/failure-fields.ts';
import { hasPrograms } from '../state/program-name.ts';
import { changedTerms } from '../state/program-terms.ts';
import { Turns } from '../time/turns.ts';
import type { LazyUplinkOptions } from './options.ts';
import type { Serving } from './serving.ts';

interface WireAnswer {
  readonly status: number;
  readonly body: object;
}

/** The uplink as the rest of the daemon sees it: its code is loaded with the first program. It never throws. */
export class LazyUplink {
  readonly #options: LazyUplinkOptions;
  readonly #turns = new Turns();
  #serving: Serving | undefined;

  private constructor(options: LazyUplinkOptions) {
    this.#options = options;
  }

  /** A fault of the uplink is logged and shown, and costs the daemon nothing. */
  static async open(options: LazyUplinkOptions): Promise<LazyUplink> {
    const uplink = new LazyUplink(options);
    try {
      if (await hasPrograms(options.settings.directory)) await uplink.#load();
    } catch (error) {
      options.log.error({ event: 'uplink-failed', ...failureFields(failureOf(error)) });
    }
    return uplink;
  }

  /** For `newleaf uplink list` and `status`; undefined where there are no programs. */
  status(): ReturnType<Serving['status']> | undefined {
    return this.#serving?.status();
  }

  /** For the twin: what an operator must know, and what changes seldom. */
  reported(): { readonly uplink: object } | undefined {
    const status = this.status();
    if (status === undefined) return undefined;
    const { programs, isThrottled } = status;
    const codes = new Set(programs.flatMap((program) => program.codes ?? []));
    if (isThrottled) codes.add('NL-UPLINK-THROTTLED');
    return { uplink: { programs: programs.length, codes: [...codes].sort() } };
  }

  /** Prometheus text; empty where there are no programs. */
  metrics(): string {
    return this.#serving?.metrics() ?? '';
  }

  change(body: unknown): Promise<WireAnswer> {
    return this.#turns.take(async () => {
      const change = changeIn(body);
      if (change === undefined) return { status: 400, body: { message: USAGE } };
      try {
        return { status: 200, body: await change(await this.#load()) };
      } catch (error) {
        const met = failureOf(error);
        const { code, message, advice } = met.code === 'NL-INTERNAL' ? failure('NL-INTERNAL', { cause: error }) : met;
        return { status: met.kind === 'refused' ? 400 : 500, body: { code, message, advice } };
      }
    });
  }

  /** The clients are cut off, what is acknowledged is on disk. */
  async close(): Promise<void> {
    await this.#turns.take(async () => this.#serving?.close());
  }

  async #load(): Promise<Serving> {
    if (this.#serving !== undefined) return this.#serving;
    const { Serving } = await import('./serving.ts');
    this.#serving = await Serving.open(this.#options);
    return this.#serving;
  }
}

const USAGE =
  'The body must be {"add": NAME, "key": BOOLEAN, "again": BOOLEAN, "terms": OBJECT}, {"set": NAME, "terms": OBJECT}, {"show": NAME}, {"forget": NAME} or {"remove": NAME}.';

/** What is asked of the programs; undefined where the body does not say it. */
function changeIn(body: unknown): ((serving: Serving) => object | Promise<object>) | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { add, key, again, terms, set, show, forget, remove } = body as Readonly<Record<string, unknown>>;
  const own = changedTerms({}, terms);
  if (own === undefined) return undefined;
  if (typeof add === 'string' && again === true) return (serving) => serving.renew(add);
  if (typeof add === 'string') return (serving) => serving.add(add, key === true, own);
  if (typeof set === 'string') return (serving) => serving.set(set, terms);
  if (typeof show === 'string') return (serving) => serving.show(show);
  if (typeof forget === 'string') return (serving) => serving.forget(forget);
  return typeof remove === 'string' ? (serving) => serving.remove(remove) : undefined;
}
