import type { Namespace } from './adr/namespace.ts';
import { commonName, type Presented, signedBy, validAt } from './presented.ts';
import type { Switches } from './switches.ts';
import { VerifiedCas } from './verified-cas.ts';

/** How a hub judges the leaf of a device that it knows by a CA, and not by a thumbprint. */
export class CaTrust {
  /** The CA certificates of the hub itself. */
  readonly cas = new VerifiedCas();
  readonly #namespace: Namespace;
  readonly #linked: () => boolean;
  readonly #switches: Switches;

  /** `linked` tells whether the namespace is linked to this hub now. */
  constructor(namespace: Namespace, linked: () => boolean, switches: Switches) {
    this.#namespace = namespace;
    this.#linked = linked;
    this.#switches = switches;
  }

  /**
   * Why the leaf does not open the hub, or undefined where it does. `now` in milliseconds since the epoch. What the namespace
   * issued is judged by the identifier of the device inside it; for every other leaf the CN must be the device ID, and its chain
   * must reach a CA of the hub (iot-hub-x509ca-overview).
   */
  refusal(presented: Presented, deviceId: string, now: number): string | undefined {
    if (this.#namespace.issued(presented.leaf)) {
      if (!this.#linked()) return 'the namespace is not linked to this hub';
      const { leafAloneAtHub, leafBeforeRenewal } = this.#switches;
      return this.#namespace.refusal(presented, deviceId, {
        alone: leafAloneAtHub === 'accepted',
        newest: leafBeforeRenewal === 'refused',
      });
    }
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
