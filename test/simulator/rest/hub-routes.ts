import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { Hub } from '../hub.ts';
import type { HubName, Log } from '../log.ts';
import { MethodError } from '../methods.ts';
import type { Identity, Registry } from '../registry.ts';
import { DeviceBody, deviceBody, thumbprintsOf, twinBody } from './identity-body.ts';
import { JobBody, Jobs, MethodBody } from './jobs.ts';
import { evaluate } from './query.ts';
import { matches, page, type RestAnswer, RestRefusal, type RestRequest, type Route, read } from './route.ts';
import { patchTwin, TwinPatch } from './twin-patch.ts';

const BulkModes = ['create', 'update', 'updateifmatchetag', 'delete', 'deleteifmatchetag'] as const;
const Bulk = v.array(v.looseObject({ id: v.string(), importMode: v.string(), etag: v.nullish(v.string()) }));
const Query = v.looseObject({ query: v.string() });
const METHODS = '$iothub/methods/POST/#';
/** iot-hub-devguide-identity-registry: ASCII letters and digits, and some marks; up to 128 of them. */
const DEVICE_ID = /^[\w.%#*?!(),:=@$'+;-]{1,128}$/;

/**
 * The body of an error of IoT Hub, as seen in azure-iot-sdks#711: clients read code and message out of `Message`.
 * azure-iot-sdk-node#971 tells of another form for some 404, which the official client takes for a plain Error.
 */
export function hubRefusalBody({ word, message }: RestRefusal): object {
  const tracking = `${randomBytes(16).toString('hex').toUpperCase()}-G:0-TimeStamp:${new Date().toISOString()}`;
  return { Message: `ErrorCode:${word};${message}`, ExceptionMessage: `Tracking ID:${tracking}` };
}

/** The service API of an IoT Hub, version 2021-04-12. */
export class HubRest {
  readonly routes: readonly Route[];
  readonly jobs: Jobs;
  readonly #name: HubName;
  readonly #registry: Registry;
  readonly #hub: Hub;
  readonly #log: Log;

  constructor(name: HubName, registry: Registry, hub: Hub, log: Log) {
    this.#name = name;
    this.#registry = registry;
    this.#hub = hub;
    this.#log = log;
    const ended = (jobId: string, how: string): void => void log.add(name, 'job', { reason: `${jobId} ${how}` });
    this.jobs = new Jobs({ devices: () => this.#twins(), registry, hub, ended });
    const job = /^\/jobs\/v2\/([^/]+)$/;
    this.routes = [
      { method: 'POST', path: /^\/devices\/query$/, answer: (request) => this.#query(request) },
      { method: 'GET', path: /^\/devices$/, answer: () => ({ status: 200, body: this.#devices() }) },
      { method: 'POST', path: /^\/devices$/, answer: ({ body }) => this.#bulk(body) },
      { method: 'GET', path: /^\/devices\/([^/]+)$/, answer: ({ id }) => this.#device(this.#get(id)) },
      { method: 'PUT', path: /^\/devices\/([^/]+)$/, answer: (request) => this.#device(this.#put(request)) },
      { method: 'DELETE', path: /^\/devices\/([^/]+)$/, answer: ({ id, headers }) => this.#remove(id, headers) },
      { method: 'GET', path: /^\/twins\/([^/]+)$/, answer: ({ id }) => this.#twin(this.#get(id)) },
      { method: 'PATCH', path: /^\/twins\/([^/]+)$/, answer: (request) => this.#change(request, patchTwin) },
      { method: 'POST', path: /^\/twins\/([^/]+)\/methods$/, answer: ({ id, body }) => this.#call(id, body) },
      { method: 'GET', path: /^\/jobs\/v2\/query$/, answer: (request) => this.#queryJobs(request) },
      { method: 'POST', path: /^\/jobs\/v2\/([^/]+)\/cancel$/, answer: ({ id }) => ok(this.jobs.cancel(id)) },
      { method: 'GET', path: job, answer: ({ id }) => ok(this.jobs.get(id)) },
      { method: 'PUT', path: job, answer: ({ id, body }) => ok(this.jobs.schedule(id, read(JobBody, body))) },
    ];
  }

  #get(deviceId: string): Identity {
    const identity = this.#registry.find(deviceId);
    if (identity === undefined) {
      throw new RestRefusal(404001, 'DeviceNotFound', `The device ${deviceId} is not registered.`);
    }
    return identity;
  }

  #devices(): object[] {
    return this.#registry.list().map((identity) => deviceBody(identity, this.#hub.connected(identity.deviceId)));
  }

  #twins(): object[] {
    return this.#registry.list().map((identity) => this.#twin(identity).body as object);
  }

  #device(identity: Identity): RestAnswer {
    return { status: 200, body: deviceBody(identity, this.#hub.connected(identity.deviceId)) };
  }

  #twin(identity: Identity): RestAnswer {
    const { deviceId } = identity;
    return { status: 200, body: twinBody(identity, this.#registry.twin(deviceId), this.#hub.connected(deviceId)) };
  }

  /** Creates without If-Match, replaces with one. */
  #put({ id, headers, body: sent }: Pick<RestRequest, 'id' | 'headers' | 'body'>): Identity {
    const body = read(DeviceBody, sent);
    const before = this.#registry.find(id);
    if (body.deviceId !== id) {
      throw new RestRefusal(400004, 'ArgumentInvalid', 'The ID in the body differs from the one in the path.');
    }
    if (!DEVICE_ID.test(id)) throw new RestRefusal(400004, 'ArgumentInvalid', `No device may be called '${id}'.`);
    if (headers['if-match'] === undefined && before !== undefined) {
      throw new RestRefusal(409001, 'DeviceAlreadyExists', `A device with ID '${id}' is already registered.`);
    }
    if (headers['if-match'] !== undefined && !matches(headers, this.#get(id).etag)) throw preconditionFailed(id);
    const written = this.#registry.write(id, thumbprintsOf(body));
    const status = body.status ?? 'enabled';
    return written.status === status ? written : this.#registry.setStatus(id, status);
  }

  #remove(id: string, headers: RestRequest['headers']): RestAnswer {
    if (!matches(headers, this.#get(id).etag)) throw preconditionFailed(id);
    this.#registry.remove(id);
    return { status: 204 };
  }

  #bulk(sent: unknown): RestAnswer {
    const errors = read(Bulk, sent).flatMap(({ id, importMode, etag, ...device }) => {
      const mode = BulkModes.find((name) => name === importMode.toLowerCase());
      const headers = mode === 'create' ? {} : { 'if-match': mode?.endsWith('etag') ? (etag ?? '') : '*' };
      try {
        if (mode === undefined) throw new RestRefusal(400004, 'ArgumentInvalid', `no import mode ${importMode}`);
        mode.startsWith('delete')
          ? this.#remove(id, headers)
          : this.#put({ id, headers, body: { ...device, deviceId: id } });
        return [];
      } catch (error) {
        if (!(error instanceof RestRefusal)) throw error;
        return [{ deviceId: id, errorCode: error.word, errorStatus: error.message }];
      }
    });
    return {
      status: errors.length === 0 ? 200 : 400,
      body: { isSuccessful: errors.length === 0, errors, warnings: [] },
    };
  }

  #change({ id, headers, body }: RestRequest, change: typeof patchTwin): RestAnswer {
    const identity = this.#get(id);
    const sent = read(TwinPatch, body);
    if (!matches(headers, this.#registry.twin(id).etag)) throw preconditionFailed(id);
    change(this.#registry, id, sent);
    return this.#twin(identity);
  }

  async #call(id: string, sent: unknown): Promise<RestAnswer> {
    this.#get(id);
    const { methodName, payload, responseTimeoutInSeconds, connectTimeoutInSeconds } = read(MethodBody, sent);
    if (connectTimeoutInSeconds > 0 && !this.#hub.hears(id)) {
      this.#log.add(this.#name, 'awaited', { clientId: id });
      const subscribed = { server: this.#name, event: 'subscribed', clientId: id, reason: METHODS } as const;
      const now = this.#log.entries.length;
      // Whoever has not come by then is told so by the call itself.
      await this.#log.waitFor(subscribed, connectTimeoutInSeconds * 1_000, now).catch(() => undefined);
    }
    try {
      const answer = await this.#hub.callMethod(id, methodName, payload, responseTimeoutInSeconds * 1_000);
      return { status: 200, body: answer };
    } catch (error) {
      throw error instanceof MethodError ? refusalOf(error) : error;
    }
  }

  #query({ body, headers }: RestRequest): RestAnswer {
    const { query } = read(Query, body);
    const rows = evaluate(query, { devices: this.#twins(), 'devices.jobs': this.jobs.rows() });
    return page(rows, headers, /from\s+devices\.jobs/i.test(query) ? 'deviceJob' : 'twin');
  }

  #queryJobs({ query, headers }: RestRequest): RestAnswer {
    const [type, status] = [query.get('jobType'), query.get('jobStatus')];
    const found = this.jobs
      .list()
      .filter((job) => (type === null || job.type === type) && (status === null || job.status === status));
    return page(found, headers, 'jobResponse');
  }
}

const ok = (body: unknown): RestAnswer => ({ status: 200, body });

const preconditionFailed = (id: string): RestRefusal =>
  new RestRefusal(412001, 'PreconditionFailed', `Precondition failed: Device version did not match: ${id}`);

/** 404103 and 504101; troubleshoot-error-codes. */
function refusalOf({ errorCode, message }: MethodError): RestRefusal {
  return new RestRefusal(errorCode, errorCode === 404103 ? 'DeviceNotOnline' : 'GatewayTimeout', message);
}
