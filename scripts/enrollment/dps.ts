import { Failed } from '../../agent/cli/kit/command.ts';
import type { Call } from './command.ts';
import { hostOf } from './connection.ts';
import type { Desk } from './desk.ts';
import {
  type Body,
  bodyOf,
  type Enrollment,
  enrollIt,
  enrollmentOf,
  type Kind,
  NAMES,
  policyOf,
  unreadable,
  unsecret,
} from './enrollment.ts';
import { Ledger } from './ledger.ts';
import { NAME } from './name.ts';
import { demandSpoken, samePolicy, unlinked } from './policy.ts';
import { type Pages, Provisioning } from './provisioning.ts';
import { asking, inWords, orAbsent, statusOf } from './refusal.ts';
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

const WHO = 'DPS';

/** DPS as an operator sees it, by the official client. */
export class Dps {
  readonly #desk: Desk;
  readonly #host: string;
  readonly #ledger: Ledger;
  /** As they were read: the log has what was there before. */
  readonly #seen = new Map<string, Body>();
  readonly #provisioning: Provisioning;

  private constructor(call: Call, provisioning: Provisioning) {
    this.#desk = call.desk;
    this.#host = hostOf(call, 'dps');
    this.#ledger = new Ledger(call);
    this.#provisioning = provisioning;
  }

  /** @throws Misuse where there is no connection string and no host */
  static async open(call: Call): Promise<Dps> {
    return new Dps(call, await Provisioning.open(call));
  }

  async find(kind: Kind, id: string): Promise<Enrollment | undefined> {
    const found = await this.#orAbsent(() => this.#provisioning.calls[kind].get(id));
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
    return (await this.#pages(this.#provisioning.calls[kind].query())).map((body) => enrollmentOf(kind, body as Body));
  }

  /** Devices that have registered as members of the group. */
  async registrationsOf(group: string): Promise<Registration[]> {
    await this.get('group', group);
    return (await this.#pages(this.#provisioning.registrations(group))) as Registration[];
  }

  /** The token is handed back by hand: `next` without one asks for the first page (azure-iot-provisioning-service 1.11.2, query.js). */
  async #pages(query: Pages): Promise<unknown[]> {
    const rows: unknown[] = [];
    while (query.hasMoreResults) {
      const next = () => this.#provisioning.read(() => query.next(query.continuationToken));
      const { responseBody } = await asking(this.#desk, WHO, next);
      rows.push(...(responseBody as unknown[]));
    }
    return rows;
  }

  async registration(id: string): Promise<Registration | undefined> {
    return (await this.#orAbsent(() => this.#provisioning.registration(id))) as Registration | undefined;
  }

  /**
   * Creates the enrollment where its body has no etag, else replaces it under that etag.
   * @throws Failed where DPS refuses, or holds something else afterwards
   */
  async write(enrollment: Enrollment): Promise<Enrollment> {
    const { kind, id, slots } = enrollment;
    const policy = policyOf(enrollment);
    // A read tells which version DPS knows.
    if (!this.#seen.has(`${kind} ${id}`)) await this.find(kind, id);
    demandSpoken(policy, this.#provisioning.version);
    const body = bodyOf(enrollment);
    const { responseBody } = await this.#logged(enrollment, body, () => this.#put(enrollment, body));
    const written = enrollmentOf(kind, responseBody as Body);
    const same = sameSlot(written.slots.primary, slots.primary) && sameSlot(written.slots.secondary, slots.secondary);
    if (!same || written.status !== enrollment.status || !samePolicy(policyOf(written), policy)) {
      throw new Failed(`DPS took it, and holds something else now. Look: ${NAME} show ${kind} ${id}`);
    }
    return written;
  }

  #put(enrollment: Enrollment, body: object): Promise<{ readonly responseBody: unknown }> {
    const { kind, slots } = enrollment;
    const put = () => this.#provisioning.calls[kind].put(body);
    return asking(this.#desk, WHO, put, [400, 403]).catch((error: unknown) => {
      const refused = unlinked(error, policyOf(enrollment));
      if (refused !== undefined) throw refused;
      throw statusOf(error) === 400 ? unreadable(slots, error) : new Failed(inWords(WHO, error), { cause: error });
    });
  }

  async remove(enrollment: Enrollment): Promise<void> {
    const { kind, id, body } = enrollment;
    const call = () => asking(this.#desk, WHO, () => this.#provisioning.calls[kind].remove(id, String(body.etag)));
    await this.#logged(enrollment, null, call);
  }

  #logged<T>({ kind, id }: Enrollment, after: object | null, call: () => Promise<T>): Promise<T> {
    const before = this.#seen.get(`${kind} ${id}`) ?? null;
    return this.#ledger.around({ dps: this.#host, kind, id, before: unsecret(before), after: unsecret(after) }, call);
  }

  async #orAbsent(call: () => Promise<{ readonly responseBody: unknown }>): Promise<Body | undefined> {
    return (await orAbsent(this.#desk, WHO, () => this.#provisioning.read(call)))?.responseBody as Body | undefined;
  }
}
