import { randomUUID } from 'node:crypto';
import { activeRefusal, nothingToReplace, type Refusal } from './answers.ts';
import type { RenewalBody } from './request-body.ts';
import type { AdrSwitches } from './switches.ts';

/** How long an operation lives: about 12 hours after the 202 (comment in azure-iot-sdk-csharp). */
const LIVES_MS = 12 * 3_600_000;

/** The last word of an operation. */
export type Ending =
  | { readonly kind: 'issued'; readonly chain: readonly Buffer[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** One request for a certificate, from its 202 on. */
export interface Renewal {
  readonly rid: string;
  readonly csr: string;
  readonly der: Buffer;
  readonly correlationId: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
  /** Its certificate is being made, or was. */
  making: boolean;
  ending: Ending | undefined;
  /** The ending went out to a session that had subscribed. */
  delivered: boolean;
}

/** "Exactly one operation per device": which one that is, and what becomes of the next request. */
export class Renewals {
  readonly #now: () => number;
  readonly #switches: AdrSwitches;
  readonly #last = new Map<string, Renewal>();

  constructor(now: () => number, switches: AdrSwitches) {
    this.#now = now;
    this.#switches = switches;
  }

  /** The request of this device that is active: neither expired nor delivered. */
  active(deviceId: string): Renewal | undefined {
    const last = this.#living(deviceId);
    return last?.delivered ? undefined : last;
  }

  /** Opens an operation, finds the one that the same request opened before, or refuses. */
  accept(deviceId: string, rid: string, { csr, der, replace }: RenewalBody): Renewal | Refusal {
    const last = this.#living(deviceId);
    if (last?.rid === rid && last.csr === csr && this.#same(last)) return last;
    const active = this.active(deviceId);
    if (active && replace === undefined) {
      return activeRefusal(active.rid, active.correlationId, active.expires, this.#switches);
    }
    if (replace !== undefined && !this.#names(replace, active)) return nothingToReplace(replace);
    const expires = this.#now() + LIVES_MS;
    const opened = {
      rid,
      csr,
      der,
      correlationId: randomUUID(),
      expires,
      making: false,
      ending: undefined,
      delivered: false,
    };
    this.#last.set(deviceId, opened);
    return opened;
  }

  /** Whether this is still the operation of its device: it may have been replaced, and may have expired. */
  current(deviceId: string, renewal: Renewal): boolean {
    return this.#living(deviceId) === renewal;
  }

  #living(deviceId: string): Renewal | undefined {
    const last = this.#last.get(deviceId);
    return last && this.#now() < last.expires ? last : undefined;
  }

  /** "Known to be the same request": it gets the same certificate once more, which is a guess. */
  #same({ delivered, ending }: Renewal): boolean {
    return !delivered || ending?.kind === 'issued';
  }

  #names(replace: string, active: Renewal | undefined): boolean {
    return replace === '*' || active?.rid === replace;
  }
}
