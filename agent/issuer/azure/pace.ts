import { Fault } from '../../failure/failure.ts';

const MOST = 3;
const HOUR = 3_600_000;

interface PaceOptions {
  /** The record of an earlier call, also of an earlier process; undefined where there is none. */
  readonly read: () => Promise<string | undefined>;
  readonly write: (record: string) => Promise<void>;
  /** Thumbprint of the current leaf; empty without one. */
  readonly current: () => string;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
}

interface Asked {
  /** Thumbprint of the leaf that was current then. */
  readonly leaf: string;
  /** When leaves were asked for, milliseconds. */
  readonly asked: readonly number[];
  /** The request to a hub that was the last: asked again, it is the same, and issues no other leaf. */
  readonly id?: string | undefined;
}

/**
 * "Every registration with a csr issues another certificate" (Azure/azure-iot-sdk), also where its answer is lost: so at most
 * three are asked for within an hour, also over restarts, until one of them serves. It is written before the request goes out.
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
    return recentOf(this.#seen, this.#options.now()).length;
  }

  /**
   * @param id of a request to a hub
   * @returns takes the request back, where certainly nothing was issued
   * @throws Fault NL-AZURE-PACE; what `write` throws
   */
  async begin(id?: string): Promise<() => Promise<void>> {
    const { current, now } = this.#options;
    const leaf = current();
    const at = now();
    const before = await this.look();
    if (id !== undefined && before.id === id) return async () => {};
    const asked = before.leaf === leaf ? recentOf(before.asked, at) : [];
    const [oldest = at] = asked.slice(-MOST);
    if (asked.length >= MOST) throw new Fault('NL-AZURE-PACE', { retryAfterMs: oldest + HOUR - at });
    await this.#write({ leaf, asked: [...asked, at], id });
    return () => this.#write({ leaf, asked });
  }

  async #write(record: Asked): Promise<void> {
    await this.#options.write(JSON.stringify(record));
    this.#seen = record.asked;
  }
}

/** A moment in the future is of a clock that was wrong. */
const recentOf = (asked: readonly number[], now: number): readonly number[] =>
  asked.filter((one) => one <= now && one > now - HOUR);

/** A damaged file counts as none: it only spares Azure. */
function recordIn(text: string | undefined): Asked {
  try {
    const { leaf, asked, id } = JSON.parse(text ?? '');
    const moments = Array.isArray(asked) ? asked.filter(Number.isFinite) : [];
    return { leaf: String(leaf), asked: moments, ...(typeof id === 'string' && { id }) };
  } catch {
    return { leaf: '', asked: [] };
  }
}
