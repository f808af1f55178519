import type { Faults } from '../faults.ts';
import type { HubName } from '../log.ts';
import { csrRefusal } from './answers.ts';
import { type BadCsr, csrFault } from './csr.ts';
import type { Namespace } from './namespace.ts';
import type { Ending, Renewal } from './renewals.ts';
import type { AdrSwitches } from './switches.ts';
import { wrongLeaf } from './wrong-leaf.ts';

export interface RenewalCaOptions {
  readonly name: HubName;
  readonly faults: Faults;
  readonly switches: AdrSwitches;
  readonly namespace: Namespace;
}

const NO_POLICY: BadCsr = { error: 'PolicyNotFound', message: 'No policy issues to this device.' };

/** What the CA behind a hub says to a request. */
export class RenewalCa {
  readonly #options: RenewalCaOptions;

  constructor(options: RenewalCaOptions) {
    this.#options = options;
  }

  /** Why it issues nothing to this request (DER of a PKCS#10), or undefined where it does. */
  async fault(deviceId: string, der: Buffer): Promise<BadCsr | undefined> {
    const { namespace, switches } = this.#options;
    const device = namespace.device(deviceId);
    if (device === undefined || namespace.policy(device.reference) === undefined) return NO_POLICY;
    // Samples use the device ID, the data plane of the registry wants the registration ID.
    return csrFault(der, [...new Set([device.registrationId, deviceId])], switches);
  }

  async ending(deviceId: string, { der, correlationId }: Renewal): Promise<Ending> {
    const { namespace, faults, name, switches } = this.#options;
    const refused = (bad: BadCsr): Ending => ({ kind: 'refused', refusal: csrRefusal(bad, correlationId, switches) });
    const bad = await this.fault(deviceId, der);
    const device = namespace.device(deviceId);
    if (bad || device === undefined) return refused(bad ?? NO_POLICY);
    const { registrationId, reference } = device;
    const issued = await namespace.issue(der, registrationId, deviceId, reference, wrongLeaf(faults, name));
    return issued ? { kind: 'issued', chain: issued.chain } : refused(NO_POLICY);
  }
}
