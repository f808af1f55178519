import { randomUUID, X509Certificate } from 'node:crypto';
import type { PolicyReference } from './adr/namespace.ts';
import { thumbprintOf } from './ca.ts';
import { VerifiedCas } from './verified-cas.ts';

export type Status = 'enabled' | 'disabled';

export interface ReprovisionPolicy {
  readonly updateHubAssignment: boolean;
  readonly migrateDeviceData: boolean;
}

/** The three policies of concepts-device-reprovision: migrate (default), reset, never. */
export const POLICIES = {
  migrate: { updateHubAssignment: true, migrateDeviceData: true },
  reset: { updateHubAssignment: true, migrateDeviceData: false },
  never: { updateHubAssignment: false, migrateDeviceData: false },
} as const satisfies Record<string, ReprovisionPolicy>;

/** PEM; a leaf for an individual enrollment, a signing certificate for a group. */
export interface CertificatePair {
  readonly primary?: string;
  readonly secondary?: string;
}

/** Base64 of TPM2B_PUBLIC. */
export interface TpmKeys {
  readonly endorsementKey: string;
  readonly storageRootKey?: string;
}

/** Names of verified CAs. */
export interface CaReferences {
  readonly primary?: string;
  readonly secondary?: string;
}

export interface EnrollmentInput extends CertificatePair {
  /** Instead of certificates; for a group. */
  readonly caReferences?: CaReferences;
  /** Instead of certificates; for an individual enrollment. */
  readonly tpm?: TpmKeys;
  /** Default 'enabled'. */
  readonly status?: Status;
  /** Default 'migrate'. */
  readonly policy?: keyof typeof POLICIES | ReprovisionPolicy;
  /** Desired properties a new or reset twin begins with. */
  readonly initialDesired?: object;
  /** Tags a new twin begins with. */
  readonly initialTags?: object;
  /** Hosts of the hubs that it may be assigned to: the first one that is linked is taken. */
  readonly hubs?: readonly string[];
  /** The policy by which certificates are issued to its devices. */
  readonly certificatePolicy?: PolicyReference;
  /** What the REST side is to read back, and nobody here acts on. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export interface IndividualInput extends EnrollmentInput {
  readonly registrationId: string;
  /** Name in the hub; default the registration ID. */
  readonly deviceId?: string;
}

export interface GroupInput extends EnrollmentInput {
  readonly groupId: string;
}

export interface Enrollment {
  readonly kind: 'individual' | 'group';
  /** Registration ID of an individual enrollment, or the name of a group. */
  readonly id: string;
  readonly deviceId: string | undefined;
  readonly status: Status;
  readonly policy: ReprovisionPolicy;
  readonly primary: X509Certificate | undefined;
  readonly secondary: X509Certificate | undefined;
  readonly caReferences: CaReferences;
  readonly tpm: TpmKeys | undefined;
  readonly initialDesired: object;
  readonly initialTags: object;
  readonly hubs: readonly string[];
  readonly certificatePolicy: PolicyReference | undefined;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly etag: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What DPS remembers of a device that has asked. */
export interface Registration {
  readonly registrationId: string;
  readonly status: 'assigned' | 'failed' | 'disabled';
  readonly errorCode?: number;
  readonly errorMessage?: string;
  readonly deviceId: string;
  /** The group that let it in; undefined for an individual enrollment. */
  readonly group: string | undefined;
  /** Empty before the first assignment; a registration that failed does not make DPS forget it. */
  readonly assignedHub: string;
  readonly substatus: string;
  readonly etag: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const newEtag = (): string => Buffer.from(`"${randomUUID()}"`).toString('base64');
const parsed = (pem: string | undefined): X509Certificate | undefined => (pem ? new X509Certificate(pem) : undefined);

/** The certificates an enrollment holds, primary first. */
export function certificatesOf({ primary, secondary }: Enrollment): X509Certificate[] {
  return [primary, secondary].filter((certificate) => certificate !== undefined);
}

/** A certificate that is in another enrollment already. */
export class CertificateTaken extends Error {
  override readonly name = 'CertificateTaken';
}

/** The enrollments of one DPS, the registration records, and the CAs that groups may refer to. */
export class Enrollments {
  readonly cas = new VerifiedCas();
  readonly individuals = new Map<string, Enrollment>();
  readonly groups = new Map<string, Enrollment>();
  readonly registrations = new Map<string, Registration>();

  /** Adds or replaces. An individual enrollment without certificates only bars or admits by registration ID. */
  putIndividual({ registrationId, deviceId, ...input }: IndividualInput): Enrollment {
    return this.#put('individual', registrationId, deviceId, input);
  }

  putGroup({ groupId, ...input }: GroupInput): Enrollment {
    return this.#put('group', groupId, undefined, input);
  }

  setStatus(id: string, status: Status): Enrollment {
    return this.#update(id, { status });
  }

  /** Both at once: what is left out is removed. */
  replaceCertificates(id: string, { primary, secondary }: CertificatePair): Enrollment {
    const pair = { primary: parsed(primary), secondary: parsed(secondary) };
    this.#demandFree(id, pair.primary, pair.secondary);
    return this.#update(id, pair);
  }

  /** Removes an enrollment; identities in the hubs stay, and records of a group's members. Throws where there is none. */
  remove(id: string): void {
    this.get(id);
    if (this.individuals.delete(id)) {
      this.registrations.delete(id);
    } else {
      this.groups.delete(id);
    }
  }

  /** An individual enrollment or a group by its name. Throws where there is none. */
  get(id: string): Enrollment {
    const found = this.individuals.get(id) ?? this.groups.get(id);
    if (found === undefined) throw new Error(`no enrollment "${id}"`);
    return found;
  }

  recordRegistration(made: Omit<Registration, 'etag' | 'createdAt' | 'updatedAt'>): Registration {
    const now = new Date();
    const createdAt = this.registrations.get(made.registrationId)?.createdAt ?? now;
    const record = { ...made, etag: newEtag(), createdAt, updatedAt: now };
    this.registrations.set(made.registrationId, record);
    return record;
  }

  #put(kind: Enrollment['kind'], id: string, deviceId: string | undefined, input: EnrollmentInput): Enrollment {
    const primary = parsed(input.primary);
    const secondary = parsed(input.secondary);
    this.#demandFree(id, primary, secondary);
    const store = this.#store(kind);
    const now = new Date();
    const policy = input.policy ?? 'migrate';
    const enrollment: Enrollment = {
      kind,
      id,
      deviceId,
      status: input.status ?? 'enabled',
      policy: typeof policy === 'string' ? POLICIES[policy] : policy,
      primary,
      secondary,
      caReferences: input.caReferences ?? {},
      tpm: input.tpm,
      initialDesired: input.initialDesired ?? {},
      initialTags: input.initialTags ?? {},
      hubs: input.hubs ?? [],
      certificatePolicy: input.certificatePolicy,
      extra: input.extra ?? {},
      etag: newEtag(),
      createdAt: store.get(id)?.createdAt ?? now,
      updatedAt: now,
    };
    store.set(id, enrollment);
    return enrollment;
  }

  #update(id: string, change: Partial<Enrollment>): Enrollment {
    const updated = { ...this.get(id), ...change, etag: newEtag(), updatedAt: new Date() };
    this.#store(updated.kind).set(id, updated);
    return updated;
  }

  #store(kind: Enrollment['kind']): Map<string, Enrollment> {
    return kind === 'individual' ? this.individuals : this.groups;
  }

  /** One certificate can be in only one enrollment (concepts-x509-attestation). */
  #demandFree(id: string, ...wanted: readonly (X509Certificate | undefined)[]): void {
    const thumbprints = new Set(wanted.filter((certificate) => certificate !== undefined).map(thumbprintOf));
    for (const other of [...this.individuals.values(), ...this.groups.values()]) {
      if (other.id !== id && certificatesOf(other).some((held) => thumbprints.has(thumbprintOf(held)))) {
        throw new CertificateTaken(`a certificate of "${id}" is in the enrollment "${other.id}" already`);
      }
    }
  }
}
