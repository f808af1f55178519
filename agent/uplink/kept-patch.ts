import { type Fields, isObject, jsonIn } from '../mqtt/json.ts';
import { Turns } from '../time/turns.ts';

/** "The size of the reported properties: 32 KB" (articles/iot-hub/iot-hub-devguide-device-twins.md). */
export const LARGEST_PATCH = 32 * 1024;

/**
 * What programs have reported while the hub was away: one patch, which has the effect of all of them in their order (RFC 7396,
 * as the twin has it).
 */
export class KeptPatch {
  readonly #write: (text: string) => Promise<void>;
  readonly #writes = new Turns();
  #patch: Fields = {};
  #written = '{}';

  /** @param write keeps the patch over a restart */
  constructor(write: (text: string) => Promise<void>) {
    this.#write = write;
  }

  /** Undefined where there is none. */
  get payload(): Buffer | undefined {
    const text = JSON.stringify(this.#patch);
    return text === '{}' ? undefined : Buffer.from(text);
  }

  /** @returns whether it is kept: false where it would be too long, or where no single patch has the same effect */
  add(payload: Uint8Array): boolean {
    const patch = jsonIn(payload);
    const joined = isObject(patch) ? joinedBy(this.#patch, patch) : undefined;
    if (joined === undefined || Buffer.byteLength(JSON.stringify(joined)) > LARGEST_PATCH) return false;
    this.#patch = joined;
    return true;
  }

  /** The hub has answered to this payload. Where more has come meanwhile, all of it is to be sent again. */
  settle(payload: Uint8Array): void {
    if (this.payload?.equals(payload) !== true) return;
    this.#patch = {};
    void this.save();
  }

  /** A disk that takes nothing costs what it would have kept, and no session. */
  save(): Promise<void> {
    const write = async () => {
      const text = JSON.stringify(this.#patch);
      if (text !== this.#written) await this.#write(text);
      this.#written = text;
    };
    return this.#writes.take(write).catch(() => {});
  }
}

/** Undefined where an object is put in the place of what is none: a patch would leave there what the hub has. */
function joinedBy(first: Fields, then: Fields): Fields | undefined {
  const joined = new Map(Object.entries(first));
  for (const [name, value] of Object.entries(then)) {
    const before = joined.get(name);
    const isInto = isObject(value) && joined.has(name);
    const inner = isInto && isObject(before) ? joinedBy(before, value) : undefined;
    if (isInto && inner === undefined) return undefined;
    joined.set(name, inner ?? value);
  }
  return Object.fromEntries(joined);
}
