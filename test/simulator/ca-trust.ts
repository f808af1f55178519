import type { Namespace } from './adr/namespace.ts';
import { commonName, type Presented, signedBy, validAt } from './presented.ts';
import { VerifiedCas } from './verified-cas.ts';

/** How a hub judges the leaf of a device that it knows by a CA, and not by a thumbprint. */
export class CaTrust {
  /** The CA certificates of the hub itself. */
  readonly cas = new VerifiedCas();
  readonly #namespace: Namespace;

  constructor(namespace: Namespace) {
    this.#namespace = namespace;
  }

  /**
   * Why the leaf does not open the hub, or undefined where it does. `now` in milliseconds since the epoch. What the namespace
   * issued is judged by the identifier of the device inside it; for every other leaf the CN must be the device ID, and its chain
   * must reach a CA of the hub (iot-hub-x509ca-overview).
   */
  refusal(presented: Presented, deviceId: string, now: number): string | undefined {
    if (this.#namespace.issued(presented.leaf)) return this.#namespace.refusal(presented, deviceId);
    if (commonName(presented.leaf) !== deviceId) return 'CN differs from the device id';
    return this.#reaches(presented, now) ? undefined : 'the chain does not reach a CA of this hub';
  }

  #reaches({ chain }: Presented, now: number): boolean {
    for (const [index, link] of chain.entries()) {
      if (!validAt(link, now)) return false;
      if (this.cas.holds(link) || this.cas.issued(link)) return true;
      const issuer = chain[index + 1];
      if (issuer === undefined || !signedBy(link, issuer)) return false;
    }
    return false;
  }
}
