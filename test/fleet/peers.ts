import { Fault } from '../../agent/failure/failure.ts';
import type { Assignment, Leaf } from '../../agent/roll/leaf.ts';
import type { Far } from './far.ts';
import type { Member } from './gateway.ts';

/** A program that keeps no leaf and no journal: it registers when it starts, and ends when that or the session fails. */
abstract class Program implements Member {
  readonly name: string;
  protected readonly far: Far;
  protected readonly draw: () => number;
  protected ended = new AbortController();
  #leaf: Leaf;

  constructor(name: string, far: Far, draw: () => number) {
    this.name = name;
    this.far = far;
    this.draw = draw;
    this.#leaf = far.issue(name, { slot: 'given', id: name });
    far.write('hub1', name, this.#leaf);
  }

  start(): void {
    this.ended = new AbortController();
    void this.#run(this.ended.signal);
  }

  cut(): void {
    this.ended.abort();
    this.far.drop(this.name);
  }

  async roll(delayMs: number): Promise<void> {
    await this.wait(delayMs * this.draw());
    this.cut();
    this.start();
  }

  /** RestartSec of its unit. */
  async #run(ended: AbortSignal): Promise<void> {
    for (; !ended.aborted; await this.far.options.clock.sleep(5_000, ended)) await this.serve().catch(() => {});
  }

  protected wait = (ms: number): Promise<void> => this.far.options.clock.sleep(ms, this.ended.signal);

  /** Another program renews its leaf, and needs no time for that. */
  protected get leaf(): Leaf {
    if (this.#leaf.issuer !== this.far.issuer) this.#leaf = this.far.issue(this.name, this.#leaf.key);
    return this.#leaf;
  }

  /** Ends with the session that is lost. */
  protected async session({ hub }: Assignment): Promise<() => Promise<void>> {
    let lost = () => {};
    const over = new Promise<void>((resolve) => {
      lost = resolve;
    });
    await this.far.connect(this.name, this.leaf, hub, lost, this.ended.signal);
    return () => over;
  }

  protected abstract serve(): Promise<void>;
}

const CONNECTING_MS = 240_000;
/** What the SDK tries again (azure-iot-common 1.13.3, retry_policy.js); of a first connect it takes most for "unauthorized". */
const FIRST = new Set(['NL-HUB-UNAVAILABLE']);
const LATER = new Set(['NL-HUB-UNAVAILABLE', 'NL-HUB-UNREACHABLE', 'NL-HUB-REJECTED']);

/** Microsoft's sample on the Node SDK with the retries that the SDK brings; systemd starts it again when it gives up. */
export class Sample extends Program {
  protected async serve(): Promise<void> {
    const assignment = await this.#register();
    for (let retried = FIRST; ; retried = LATER) {
      const over = await this.#connect(assignment, retried);
      await over();
    }
  }

  /** azure-iot-provisioning-device 1.9.1 repeats 429 and 5xx for ever, after Retry-After or 2 s. */
  async #register(): Promise<Assignment> {
    for (;;) {
      try {
        return await this.far.register(this.name, this.leaf, this.ended.signal);
      } catch (error) {
        if (!(error instanceof Fault) || error.failure.code !== 'NL-DPS-THROTTLED') throw error;
        await this.wait(error.failure.retryAfterMs ?? 2_000);
      }
    }
  }

  /** cMin + (2^(n-1) - 1) x rand(0 .. 25 ms), at most 10 s. */
  async #connect(assignment: Assignment, retried: ReadonlySet<string>): Promise<() => Promise<void>> {
    const { clock } = this.far.options;
    const until = clock.monotonic() + CONNECTING_MS;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.session(assignment);
      } catch (error) {
        if (!(error instanceof Fault) || !retried.has(error.failure.code) || clock.monotonic() > until) throw error;
        await this.wait(Math.min(10_000, 100 + (2 ** (tries - 1) - 1) * 25 * this.draw()));
      }
    }
  }
}

/**
 * Azure IoT Edge, as the sources of its identityd have it: one more try after 3 s, after 429 in 60 to 70 s;
 * then the whole again each 5 s, without jitter.
 */
export class Edge extends Program {
  protected async serve(): Promise<void> {
    const register = () => this.far.register(this.name, this.leaf, this.ended.signal);
    const assignment = await register().catch(async (error: unknown) => {
      const isThrottled = error instanceof Fault && error.failure.code === 'NL-DPS-THROTTLED';
      await this.wait(isThrottled ? 60_000 + 10_000 * this.draw() : 3_000);
      return register();
    });
    const over = await this.session(assignment);
    await over();
  }
}
