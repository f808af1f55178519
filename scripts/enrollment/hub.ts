import type iothub from 'azure-iothub';
import { Failed } from '../../agent/cli/kit/command.ts';
import { Count } from '../../agent/cli/kit/progress.ts';
import { screenOf } from '../../agent/cli/kit/screen.ts';
import type { Call } from './command.ts';
import { connecting, hostOf } from './connection.ts';
import type { Desk } from './desk.ts';
import type { Status } from './enrollment.ts';
import {
  type Identity,
  identityOf,
  isConnected,
  type Job,
  type JobProgress,
  type MethodAnswer,
  type MethodCall,
  progressOf,
  type Row,
  type Twin,
} from './hub-answers.ts';
import { NAME } from './name.ts';
import { asking, isAway, orAbsent, statusOf } from './refusal.ts';

type WholeTwin = iothub.Twin & { readonly connectionState?: string };

const WHO = 'The hub';
/** The hub may give less. Its quota counts pages. */
const PAGE = 1_000;

/** `asking` repeats. azure-iothub 1.16.6 repeats a method by itself for 4 minutes (client.js), for each device in an outage. */
const NEVER_AGAIN = { shouldRetry: () => false, nextRetryTimeout: () => 0 };

/** An IoT Hub as an operator sees it, by the official clients. */
export class Hub {
  /** Its name: jobs and devices of one hub mean nothing to another. */
  readonly host: string;
  /** Pages that were asked for so far: the hub bounds them. */
  queries = 0;
  readonly #desk: Desk;
  readonly #registry: iothub.Registry;
  readonly #client: iothub.Client;
  readonly #jobs: iothub.JobClient;

  private constructor(
    { desk, host }: { readonly desk: Desk; readonly host: string },
    registry: iothub.Registry,
    client: iothub.Client,
    jobs: iothub.JobClient,
  ) {
    this.host = host;
    this.#desk = desk;
    this.#registry = registry;
    this.#client = client;
    this.#jobs = jobs;
  }

  /** @throws Misuse where there is no connection string and no host */
  static async open(call: Call): Promise<Hub> {
    const { Client, JobClient, Registry } = (await import('azure-iothub')).default;
    const connect = await connecting(call, 'hub');
    const at = { desk: call.desk, host: hostOf(call, 'hub') };
    const client = connect<iothub.Client>(Client);
    client.setRetryPolicy(NEVER_AGAIN);
    return new Hub(at, connect(Registry), client, connect(JobClient));
  }

  async find(deviceId: string): Promise<Identity | undefined> {
    const device = await this.#device(deviceId);
    return device && identityOf(device);
  }

  /** @throws Failed where there is none */
  async get(deviceId: string): Promise<Identity> {
    const found = await this.find(deviceId);
    if (found === undefined) {
      throw new Failed(`This hub has no device "${deviceId}".`, { advice: `See what it has: ${NAME} list devices` });
    }
    return found;
  }

  /** Ends the session of a device that is disabled. */
  async setStatus(deviceId: string, status: Status): Promise<Identity> {
    const device = await this.#device(deviceId);
    const { responseBody } = await asking(this.#desk, WHO, () =>
      this.#registry.update({ ...device, deviceId, status }),
    );
    return identityOf(responseBody);
  }

  async remove(deviceId: string): Promise<void> {
    await asking(this.#desk, WHO, () => this.#registry.delete(deviceId));
  }

  /** The twin, or undefined where the hub has no such device. */
  async twin(deviceId: string): Promise<Twin | undefined> {
    const answer = await orAbsent(this.#desk, WHO, () => this.#registry.getTwin(deviceId));
    if (answer === undefined) return undefined;
    // The hub sends it; the type of azure-iothub 1.16.6 (twin.d.ts) leaves it out.
    const { connectionState, properties, tags }: WholeTwin = answer.responseBody;
    return { connected: isConnected(connectionState), reported: properties.reported, tags: tags ?? {} };
  }

  /**
   * All rows, page by page. The token is handed back by hand: azure-iothub 1.16.6 forgets it where `next` is called for a
   * promise without one (query.js), and gives the first page for ever.
   */
  query(sql: string): Promise<Row[]>;
  query<T>(sql: string, read: (row: Row) => T): Promise<T[]>;
  query<T>(sql: string, read = (row: Row): Row | T => row): Promise<(Row | T)[]> {
    return this.#pages(this.#registry.createQuery(sql, PAGE), read);
  }

  /**
   * All devices that meet a condition, with a bar where they are more than a page.
   * @param where the whole clause, or nothing
   * @param read makes of each twin what is kept of it: ten thousand whole twins are 40 MiB
   */
  async devices<T>(where: string, read: (row: Row) => T): Promise<T[]> {
    const progress = new Count(this.#desk.err, screenOf(this.#desk.err, this.#desk.env), 'read');
    let total: number | undefined;
    const query = this.#registry.createQuery(`SELECT * FROM devices${where}`, PAGE);
    return this.#pages(query, read, async (soFar) => {
      if (total === undefined && !query.hasMoreResults) return;
      total ??= Number((await this.query(`SELECT COUNT() AS devices FROM devices${where}`))[0]?.devices ?? soFar);
      progress.show(soFar, Math.max(total, soFar));
    }).finally(() => progress.end());
  }

  /** How many devices have each value of a property, counted by the hub. Those that have none are left out. */
  async countBy(
    path: string,
    condition = `is_defined(${path})`,
  ): Promise<(readonly [value: string, devices: number])[]> {
    const rows = await this.query(
      `SELECT ${path} AS what, COUNT() AS devices FROM devices WHERE ${condition} GROUP BY ${path}`,
    );
    return rows.flatMap(({ what, devices }) => (typeof what === 'string' ? [[what, Number(devices)] as const] : []));
  }

  /** The last jobs that called a device. */
  async jobsOf(deviceId: string): Promise<Row[]> {
    return this.query(`SELECT * FROM devices.jobs WHERE devices.jobs.deviceId = '${deviceId.replaceAll("'", "''")}'`);
  }

  async #pages<T>(
    query: ReturnType<iothub.Registry['createQuery']>,
    read: (row: Row) => T,
    told: (soFar: number) => Promise<void> = async () => {},
  ): Promise<T[]> {
    const rows: T[] = [];
    while (query.hasMoreResults) {
      this.queries += 1;
      const { result } = await asking(this.#desk, WHO, () => query.next(query.continuationToken));
      for (const row of result as Row[]) rows.push(read(row));
      await told(rows.length);
    }
    return rows;
  }

  /** The device's answer, or the sentence why there is none. @throws Failed where the hub itself does not answer, or refuses us */
  async call(deviceId: string, method: MethodCall): Promise<MethodAnswer | string> {
    try {
      const { result } = await asking(this.#desk, WHO, () => this.#client.invokeDeviceMethod(deviceId, method));
      return result as MethodAnswer;
    } catch (error) {
      if (!(error instanceof Failed) || isAway(error) || [401, 403].includes(statusOf(error.cause) ?? 0)) throw error;
      return error.message;
    }
  }

  /** Hands the call to the hub, which makes it on every device that meets the condition. */
  async schedule(jobId: string, condition: string, method: MethodCall, seconds: number): Promise<void> {
    // As soon as the hub can: by the clock of a laptop that is wrong it would begin later, or be refused as too late.
    const start = undefined as unknown as Date;
    await asking(this.#desk, WHO, () => this.#jobs.scheduleDeviceMethod(jobId, condition, method, start, seconds));
  }

  /** Undefined where the hub has no such job. */
  async job(jobId: string): Promise<JobProgress | undefined> {
    const found = await orAbsent(this.#desk, WHO, () => this.#jobs.getJob(jobId));
    if (found === undefined) return undefined;
    return progressOf(found.jobStatus);
  }

  /** Ends a job: devices that it has not come to are not called. One that has ended meanwhile is no fault (400). */
  async cancel(jobId: string): Promise<void> {
    await asking(this.#desk, WHO, () => this.#jobs.cancelJob(jobId), [400]).catch((error: unknown) => {
      if (statusOf(error) !== 400) throw error;
    });
  }

  /** The jobs with direct methods that the hub remembers: for 30 days (iot-hub-devguide-jobs). */
  async jobs(): Promise<JobProgress[]> {
    const query = this.#jobs.createQuery('scheduleDeviceMethod', undefined, PAGE);
    return this.#pages(query, (row) => progressOf(row as unknown as Job));
  }

  async #device(deviceId: string): Promise<iothub.Device | undefined> {
    return (await orAbsent(this.#desk, WHO, () => this.#registry.get(deviceId)))?.responseBody;
  }
}
