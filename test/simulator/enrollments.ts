import { randomUUID, X509Certificate } from 'node:crypto';
import { thumbprintOf } from './ca.ts';

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

export interface EnrollmentInput extends CertificatePair {
  /** Default 'enabled'. */
  readonly status?: Status;
  /** Default 'migrate'. */
  readonly policy?: keyof typeof POLICIES;
  /** Desired properties a new or reset twin begins with. */
  readonly initialDesired?: object;
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
  readonly initialDesired: object;
  readonly etag: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What DPS remembers of a device that it has assigned. */
export interface Registration {
  readonly registrationId: string;
  readonly deviceId: string;
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

/** The enrollments of one DPS, and the registration records. */
export class Enrollments {
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

  /** Removes an enrollment; identities in the hubs stay. Throws where there is none. */
  remove(id: string): void {
    this.get(id);
    this.individuals.delete(id);
    this.groups.delete(id);
    this.registrations.delete(id);
  }

  /** An individual enrollment or a group by its name. Throws where there is none. */
  get(id: string): Enrollment {
    const found = this.individuals.get(id) ?? this.groups.get(id);
    if (found === undefined) {
      throw new Error(`no enrollment "${id}"`);
    }
    return found;
  }

  recordRegistration(registrationId: string, deviceId: string, assignedHub: string, substatus: string): Registration {
    const now = new Date();
    const createdAt = this.registrations.get(registrationId)?.createdAt ?? now;
    const record = { registrationId, deviceId, assignedHub, substatus, etag: newEtag(), createdAt, updatedAt: now };
    this.registrations.set(registrationId, record);
    return record;
  }

  #put(kind: Enrollment['kind'], id: string, deviceId: string | undefined, input: EnrollmentInput): Enrollment {
    const primary = parsed(input.primary);
    const secondary = parsed(input.secondary);
    this.#demandFree(id, primary, secondary);
    const store = this.#store(kind);
    const now = new Date();
    const enrollment: Enrollment = {
      kind,
      id,
      deviceId,
      status: input.status ?? 'enabled',
      policy: POLICIES[input.policy ?? 'migrate'],
      primary,
      secondary,
      initialDesired: input.initialDesired ?? {},
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
        throw new Error(`a certificate of "${id}" is in the enrollment "${other.id}" already`);
      }
    }
  }
}
