import { Fault } from '../../failure/failure.ts';
import { minute } from '../../failure/minute.ts';
import type { Leaf } from '../../roll/leaf.ts';

const MOST = 3;
const HOUR = 3_600_000;

interface PaceOptions {
  /** The record of an earlier call, also of an earlier process; undefined where there is none. */
  readonly read: () => Promise<string | undefined>;
  readonly write: (record: string) => Promise<void>;
  readonly current: () => Pick<Leaf, 'notBefore' | 'notAfter'> | undefined;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
}

interface Asked {
  /** When leaves were asked for, milliseconds. */
  readonly asked: readonly number[];
  /** The request to a hub that was the last: asked again, it is the same, and issues no other leaf. */
  readonly id?: string | undefined;
}

/**
 * "Every registration with a csr issues another certificate" (Azure/azure-iot-sdk), also where its answer is lost: so at most
 * three are asked for within any hour, also over restarts, and whether they serve or not. It is written before the request goes
 * out. A policy issues for a day at least; leaves of less than two hours are renewed more often, and then it is three within half
 * of such a life.
 */
export class LeafPace {
  readonly #options: PaceOptions;
  #seen: readonly number[] = [];

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** Reads the record of an earlier process. */
  async look(): Promise<Asked> {
    const record = recordIn(await this.#options.read());
    this.#seen = record.asked;
    return record;
  }

  /** How many leaves were asked for within the last hour, as far as the record goes. */
  get recent(): number {
    return recentOf(this.#seen, this.#options.now(), HOUR).length;
  }

  /**
   * @param id of a request to a hub
   * @returns takes the request back, where certainly nothing was issued
   * @throws Fault NL-AZURE-PACE; what `write` throws
   */
  async begin(id?: string): Promise<() => Promise<void>> {
    const { current, now } = this.#options;
    const at = now();
    const before = await this.look();
    if (id !== undefined && before.id === id) return async () => {};
    const windowMs = windowOf(current());
    const asked = recentOf(before.asked, at, HOUR);
    const [oldest, ...others] = recentOf(asked, at, windowMs).slice(-MOST);
    if (oldest !== undefined && others.length >= MOST - 1) {
      const next = oldest + windowMs;
      const message = `Three leaves were asked for since ${minute(oldest)}: no other one is asked for before ${minute(next)}.`;
      throw new Fault('NL-AZURE-PACE', { message, retryAfterMs: next - at });
    }
    await this.#write({ asked: [...asked, at], id });
    return () => this.#write({ asked });
  }

  async #write(record: Asked): Promise<void> {
    await this.#options.write(JSON.stringify(record));
    this.#seen = record.asked;
  }
}

/** In milliseconds. */
function windowOf(leaf: Pick<Leaf, 'notBefore' | 'notAfter'> | undefined): number {
  return leaf === undefined ? HOUR : Math.min(HOUR, (leaf.notAfter - leaf.notBefore) / 2);
}

/** A moment in the future is of a clock that was wrong. */
const recentOf = (asked: readonly number[], now: number, windowMs: number): readonly number[] =>
  asked.filter((one) => one <= now && one > now - windowMs);

/** A damaged file counts as none: it only spares Azure. */
function recordIn(text: string | undefined): Asked {
  try {
    const { asked, id } = JSON.parse(text ?? '');
    const moments = Array.isArray(asked) ? asked.filter(Number.isFinite) : [];
    return { asked: moments, ...(typeof id === 'string' && { id }) };
  } catch {
    return { asked: [] };
  }
}
