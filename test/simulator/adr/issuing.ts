import type { Attested, Unattested } from '../attest.ts';
import type { Faults } from '../faults.ts';
import type { Registrar } from '../registrar.ts';
import type { Switches } from '../switches.ts';
import { takesCsr } from '../versions.ts';
import { csrFault, decoded } from './csr.ts';
import type { Namespace } from './namespace.ts';
import { wrongLeaf } from './wrong-leaf.ts';

export interface IssuingOptions {
  readonly namespace: Namespace;
  readonly registrar: Registrar;
  readonly switches: Switches;
  readonly faults: Faults;
}

const BY_CA = { primary: '', secondary: '', byCa: true } as const;

/** What a registration with DPS has to do with the namespace: who gets a certificate, and by what the hub knows the device then. */
export class Issuing {
  readonly #options: IssuingOptions;

  constructor(options: IssuingOptions) {
    this.#options = options;
  }

  /** A registration as it goes on, with the certificate that it asked for by `csr`, or the refusal of one. */
  async register(
    attested: Attested,
    registrationId: string,
    csr: unknown,
    version: string,
  ): Promise<Attested | Unattested> {
    const { namespace, registrar, switches, faults } = this.#options;
    const { enrollment } = attested;
    if (csr === undefined || !takesCsr(version)) return this.plain(attested, registrationId);
    const der = decoded(csr);
    if (der === undefined) return this.#no('The csr is empty, too long, or no base64.');
    const reference = enrollment.certificatePolicy;
    const issues = enrollment.kind === 'group' || switches.issuingEnrollments === 'all';
    if (reference === undefined || !issues) return this.plain(attested, registrationId);
    const deviceId = registrar.deviceId(registrationId, enrollment);
    const bad = await csrFault(der, [registrationId], switches);
    if (bad !== undefined) return this.#no(bad.message);
    const issued = await namespace.issue(der, registrationId, deviceId, reference, wrongLeaf(faults, 'dps'));
    if (issued === undefined) return this.#no('The certificate policy does not exist.');
    return { enrollment, thumbprints: BY_CA, chain: issued.chain };
  }

  /** Without a certificate. A device that has some from the namespace stays known by its CA, if the enrollment still names it. */
  plain(attested: Attested, registrationId: string): Attested {
    const { namespace } = this.#options;
    const known = namespace.devices().some((device) => device.registrationId === registrationId);
    return known && attested.enrollment.certificatePolicy !== undefined
      ? { ...attested, thumbprints: BY_CA }
      : attested;
  }

  /** The numbers for a request that DPS does not like are not public. */
  #no(message: string): Unattested {
    const answered = this.#options.switches.csrRefusalAtDps === 'failed' ? 'failed' : 'at-once';
    return { errorCode: 400004, message, answered };
  }
}
