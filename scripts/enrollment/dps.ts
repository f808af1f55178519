import type { IndividualEnrollment } from 'azure-iot-provisioning-service/dist/interfaces.js';
import { Failed } from '../../agent/cli/kit/command.ts';
import type { Call } from './command.ts';
import { connecting, hostOf } from './connection.ts';
import type { Desk } from './desk.ts';
import {
  type Body,
  bodyOf,
  type Enrollment,
  enrollIt,
  enrollmentOf,
  type Kind,
  NAMES,
  unreadable,
  unsecret,
} from './enrollment.ts';
import { Ledger } from './ledger.ts';
import { NAME } from './name.ts';
import { asking, orAbsent, statusOf } from './refusal.ts';
import { sameSlot } from './slots.ts';

/** The record that DPS keeps of a device that it has assigned. */
export interface Registration {
  readonly registrationId: string;
  /** Both are absent where DPS has not assigned it. */
  readonly deviceId?: string;
  readonly assignedHub?: string;
  readonly status: string;
  readonly lastUpdatedDateTimeUtc: string;
}

/** The part of ProvisioningServiceClient that is used, for both kinds alike. */
interface Calls {
  get(id: string): Promise<{ readonly responseBody: unknown }>;
  put(body: object): Promise<{ readonly responseBody: unknown }>;
  remove(id: string, etag: string): Promise<unknown>;
  query(): Pages;
}

/** Pages of a query, as the official client gives them. */
interface Pages {
  readonly hasMoreResults: boolean;
  readonly continuationToken: string;
  next(token: string): Promise<{ readonly responseBody: unknown }>;
}

const WHO = 'DPS';
/** As az iot dps asks. */
const ALL = { query: 'SELECT *' };
const PAGE = 1_000;

/** DPS as an operator sees it, by the official client. */
export class Dps {
  readonly #desk: Desk;
  readonly #host: string;
  readonly #ledger: Ledger;
  /** As they were read: the log has what was there before. */
  readonly #seen = new Map<string, Body>();
  readonly #calls: Readonly<Record<Kind, Calls>>;
  readonly #registration: Calls['get'];
  readonly #registrations: (group: string) => Pages;

  private constructor(
    call: Call,
    calls: Readonly<Record<Kind, Calls>>,
    registration: Calls['get'],
    registrations: (group: string) => Pages,
  ) {
    this.#desk = call.desk;
    this.#host = hostOf(call, 'dps');
    this.#ledger = new Ledger(call);
    this.#calls = calls;
    this.#registration = registration;
    this.#registrations = registrations;
  }

  /** @throws Misuse where there is no connection string and no host */
  static async open(call: Call): Promise<Dps> {
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
    return new Dps(
      call,
      calls,
      (id) => client.getDeviceRegistrationState(id),
      (group) => client.createEnrollmentGroupDeviceRegistrationStateQuery(ALL, group, PAGE),
    );
  }

  async find(kind: Kind, id: string): Promise<Enrollment | undefined> {
    const found = await this.#orAbsent(() => this.#calls[kind].get(id));
    if (found !== undefined) this.#seen.set(`${kind} ${id}`, found);
    return found && enrollmentOf(kind, found);
  }

  /** @throws Failed where there is none */
  async get(kind: Kind, id: string): Promise<Enrollment> {
    const found = await this.find(kind, id);
    if (found === undefined) throw new Failed(`DPS has no ${NAMES[kind]} "${id}".`, { advice: enrollIt(kind, id) });
    return found;
  }

  async list(kind: Kind): Promise<Enrollment[]> {
    return (await this.#pages(this.#calls[kind].query())).map((body) => enrollmentOf(kind, body as Body));
  }

  /** Devices that have registered as members of the group. */
  async registrationsOf(group: string): Promise<Registration[]> {
    await this.get('group', group);
    return (await this.#pages(this.#registrations(group))) as Registration[];
  }

  /** The token is handed back by hand: `next` without one asks for the first page (azure-iot-provisioning-service 1.11.2, query.js). */
  async #pages(query: Pages): Promise<unknown[]> {
    const rows: unknown[] = [];
    while (query.hasMoreResults) {
      const { responseBody } = await asking(this.#desk, WHO, () => query.next(query.continuationToken));
      rows.push(...(responseBody as unknown[]));
    }
    return rows;
  }

  async registration(id: string): Promise<Registration | undefined> {
    return (await this.#orAbsent(() => this.#registration(id))) as Registration | undefined;
  }

  /**
   * Creates the enrollment where its body has no etag, else replaces it under that etag.
   * @throws Failed where DPS refuses, or holds something else afterwards
   */
  async write(enrollment: Enrollment): Promise<Enrollment> {
    const { kind, id, slots } = enrollment;
    const body = bodyOf(enrollment);
    const { responseBody } = await this.#logged(enrollment, body, () => this.#put(enrollment, body));
    const written = enrollmentOf(kind, responseBody as Body);
    const same = sameSlot(written.slots.primary, slots.primary) && sameSlot(written.slots.secondary, slots.secondary);
    if (!same || written.status !== enrollment.status) {
      throw new Failed(`DPS took it, and holds something else now. Look: ${NAME} show ${kind} ${id}`);
    }
    return written;
  }

  #put({ kind, slots }: Enrollment, body: object): Promise<{ readonly responseBody: unknown }> {
    return asking(this.#desk, WHO, () => this.#calls[kind].put(body), [400]).catch((error: unknown) => {
      throw statusOf(error) === 400 ? unreadable(slots, error) : error;
    });
  }

  async remove(enrollment: Enrollment): Promise<void> {
    const { kind, id, body } = enrollment;
    const call = () => asking(this.#desk, WHO, () => this.#calls[kind].remove(id, String(body.etag)));
    await this.#logged(enrollment, null, call);
  }

  /** Before and after stand in the log before DPS is asked: a laptop that ends meanwhile leaves the intent. */
  async #logged<T>({ kind, id }: Enrollment, after: object | null, call: () => Promise<T>): Promise<T> {
    const before = this.#seen.get(`${kind} ${id}`) ?? null;
    const told = { dps: this.#host, kind, id, before: unsecret(before), after: unsecret(after) };
    await this.#ledger.add({ event: 'begun', ...told });
    const answer = await call().catch(async (error: Error) => {
      await this.#ledger.add({ event: 'failed', ...told, why: error.message });
      throw error;
    });
    await this.#ledger.add({ event: 'done', ...told });
    return answer;
  }

  async #orAbsent(call: () => Promise<{ readonly responseBody: unknown }>): Promise<Body | undefined> {
    return (await orAbsent(this.#desk, WHO, call))?.responseBody as Body | undefined;
  }
}
