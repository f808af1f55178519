import type { IndividualEnrollment } from 'azure-iot-provisioning-service/dist/interfaces.js';
import { Misuse } from '../../agent/cli/kit/command.ts';
import type { Call } from './command.ts';
import { connecting } from './connection.ts';
import { statusOf } from './refusal.ts';

/**
 * The api-versions that are spoken, the newest first. The oldest is that of the official client, in which a write may drop the
 * policy of an enrollment.
 */
export const VERSIONS = ['2026-11-01', '2025-07-01-preview', '2021-10-01'] as const;
export type Version = (typeof VERSIONS)[number];

interface Answer {
  readonly responseBody: unknown;
}

/** Pages of a query, as the official client gives them. */
export interface Pages {
  readonly hasMoreResults: boolean;
  readonly continuationToken: string;
  next(token: string): Promise<Answer>;
}

/** The part of ProvisioningServiceClient that is used, for both kinds alike. */
interface Calls {
  get(id: string): Promise<Answer>;
  put(body: object): Promise<Answer>;
  remove(id: string, etag: string): Promise<unknown>;
  query(): Pages;
}

/** As az iot dps asks. */
const ALL = { query: 'SELECT *' };
const PAGE = 1_000;
const UNKNOWN_VERSION = 400;
/** A registration ID. */
const PROBE = 'which-version-do-you-know';

/** `_versionQueryString` of azure-iot-provisioning-service 1.11.2 says 2021-10-01, and nothing sets another one. */
interface Versioned {
  _versionQueryString: () => string;
}

/** The official client, speaking the newest api-version that this DPS knows. */
export class Provisioning {
  readonly calls: Readonly<Record<'individual' | 'group', Calls>>;
  readonly registration: Calls['get'];
  readonly registrations: (group: string) => Pages;
  /** The one that is spoken; known once something was read. */
  version: Version;
  /** Which version DPS knows has been found out, or is being so. */
  #settled: Promise<void> | undefined;

  private constructor(
    version: Version | undefined,
    calls: Provisioning['calls'],
    registration: Calls['get'],
    registrations: Provisioning['registrations'],
    client: Versioned,
  ) {
    this.version = version ?? VERSIONS[0];
    if (version !== undefined) this.#settled = Promise.resolve();
    this.calls = calls;
    this.registration = registration;
    this.registrations = registrations;
    client._versionQueryString = () => `?api-version=${this.version}`;
  }

  /** @throws Misuse where there is no connection string and no host, or the version is none of ours */
  static async open(call: Call): Promise<Provisioning> {
    const version = versionGiven(call.desk.env);
    const { ProvisioningServiceClient } = (await import('azure-iot-provisioning-service')).default;
    const client = (await connecting(call, 'dps'))(ProvisioningServiceClient);
    const calls = {
      individual: {
        get: (id: string) => client.getIndividualEnrollment(id),
        // The client demands even the fields that DPS fills in itself.
        put: (body: object) => client.createOrUpdateIndividualEnrollment(body as IndividualEnrollment),
        remove: (id: string, etag: string) => client.deleteIndividualEnrollment(id, etag),
        query: () => client.createIndividualEnrollmentQuery(ALL, PAGE),
      },
      group: {
        get: (id: string) => client.getEnrollmentGroup(id),
        put: (body: object) =>
          client.createOrUpdateEnrollmentGroup(body as IndividualEnrollment & { enrollmentGroupId: string }),
        remove: (id: string, etag: string) => client.deleteEnrollmentGroup(id, etag),
        query: () => client.createEnrollmentGroupQuery(ALL, PAGE),
      },
    };
    return new Provisioning(
      version,
      calls,
      (id) => client.getDeviceRegistrationState(id),
      (group) => client.createEnrollmentGroupDeviceRegistrationStateQuery(ALL, group, PAGE),
      client as unknown as Versioned,
    );
  }

  /** A read, in the newest version that DPS knows. Each write comes after a read, so it is never tried in two versions. */
  async read<T>(call: () => Promise<T>): Promise<T> {
    this.#settled ??= this.#settle().catch((error) => {
      this.#settled = undefined;
      throw error;
    });
    await this.#settled;
    return call();
  }

  /**
   * By an enrollment that is not there: 404 is the answer in a version that DPS knows, 400 in one that it does not know. The names
   * that an operator types would not do: a wrong one is 400 as well.
   */
  async #settle(): Promise<void> {
    for (const version of VERSIONS) {
      this.version = version;
      const status = await this.calls.individual.get(PROBE).then(() => 200, statusOrThrow);
      if (status !== UNKNOWN_VERSION) return;
    }
    // What the call itself is told says more.
    this.version = VERSIONS[0];
  }
}

function statusOrThrow(error: unknown): number {
  const status = statusOf(error);
  if (status === 404 || status === UNKNOWN_VERSION) return status;
  throw error;
}

/** @throws Misuse where the environment names none of them */
function versionGiven({ NEWLEAF_DPS_API_VERSION: given }: NodeJS.ProcessEnv): Version | undefined {
  const found = VERSIONS.find((one) => one === given);
  if (!given || found !== undefined) return found;
  throw new Misuse(`NEWLEAF_DPS_API_VERSION is one of ${VERSIONS.join(', ')}, not "${given}".`);
}
