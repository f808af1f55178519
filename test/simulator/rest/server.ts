import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Authority, Identity } from '../ca.ts';
import type { Faults } from '../faults.ts';
import type { Log, RestName } from '../log.ts';
import type { WebSockets } from '../websockets.ts';
import { Window } from '../window.ts';
import { bearerRefusal } from './bearer.ts';
import { type RestAnswer, RestRefusal, type Route } from './route.ts';
import { type Access, sasRefusal } from './sas.ts';

export interface RestOptions {
  readonly name: RestName;
  readonly log: Log;
  readonly faults: Faults;
  /** Signs the server certificate. */
  readonly authority: Authority;
  readonly now: () => number;
  readonly policy: string;
  /** Base64. */
  readonly key: string;
  /** Of the tokens of Entra ID. */
  readonly audience: string;
  /** The number and the word for a wrong signature. */
  readonly unauthorized: readonly [errorCode: number, word: string];
  /** Whether it knows an api-version. Default: each. */
  readonly knows?: (version: string) => boolean;
  /** Devices on the same port. */
  readonly webSockets?: WebSockets;
  /** The body of a refusal, as this service writes it. */
  readonly refusalBody: (refusal: RestRefusal) => object;
}

const HTTPS = 443;
const TRIES = 5;
const LOOPBACK = '127.0.0.1';

/**
 * The official service clients know a host only, and no port: azure-iot-http-base 1.12 hands `HostName` to
 * `https.request` as it is, so "localhost:8443" is a name that nobody can resolve. Each server therefore takes a
 * loopback address of its own, which Linux has 16 million of, and listens on 443.
 */
const ownAddress = (): string => `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;

/** The REST side of DPS or of a hub: HTTPS, JSON, shared access signatures or tokens of Entra ID. */
export class RestServer {
  readonly #options: RestOptions;
  readonly #server: Server;
  readonly #routes: readonly Route[];
  #host: string;
  readonly #quota = new Window();
  readonly #upgraded = new Set<TLSSocket>();
  /** Of the server, which is also the name of the device side; undefined where it has no address of its own. */
  readonly identity: Identity | undefined;

  private constructor(
    options: RestOptions,
    routes: readonly Route[],
    server: Server,
    host: string,
    identity: Identity | undefined,
  ) {
    this.#options = options;
    this.#routes = routes;
    this.#server = server;
    this.#host = host;
    this.identity = identity;
    server.on('request', (request, response) => void this.#serve(request, response));
    server.on('upgrade', (request, socket, head) => {
      this.#upgraded.add(socket as TLSSocket);
      void options.webSockets?.upgrade(request, socket as TLSSocket, head);
    });
  }

  /** Listens on 443 of an address of its own; on any port of 127.0.0.1 where that is not allowed to this user. */
  static async open(options: RestOptions, routes: readonly Route[]): Promise<RestServer> {
    for (let left = TRIES; ; left -= 1) {
      const address = left === 0 ? LOOPBACK : ownAddress();
      const { key, cert } = await options.authority.serverIdentity(['localhost'], address);
      const server = createServer({ key, cert, noDelay: true, requestCert: true, rejectUnauthorized: false });
      try {
        server.listen(left === 0 ? 0 : HTTPS, address);
        await once(server, 'listening');
        const { port } = server.address() as AddressInfo;
        const own = port === HTTPS ? { key, cert } : undefined;
        return new RestServer(options, routes, server, own ? address : `${address}:${port}`, own);
      } catch (error) {
        if (left === 0) throw error;
      }
    }
  }

  get access(): Access {
    const { policy, key } = this.#options;
    return { host: this.#host, policy, key };
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { name, log, refusalBody } = this.#options;
    const answer = await this.#answer(request).catch((error: unknown): RestAnswer => {
      const refusal =
        error instanceof RestRefusal
          ? error
          : new RestRefusal(500000, 'ServerError', String(error instanceof Error ? error.stack : error));
      const { status, errorCode } = refusal;
      log.add(name, 'turned-down', { code: errorCode, reason: refusal.message });
      const headers = { 'x-ms-error-code': String(errorCode), ...refusal.headers };
      return { status, body: refusalBody(refusal), headers };
    });
    log.add(name, 'request', { reason: `${request.method} ${request.url}`, code: answer.status });
    const json = answer.body === undefined ? undefined : JSON.stringify(answer.body);
    const type = json === undefined ? {} : { 'Content-Type': 'application/json; charset=utf-8' };
    response.writeHead(answer.status, { ...type, ...answer.headers }).end(json);
  }

  /** @throws RestRefusal 429 until the window of the quota is over */
  #demandQuota(): void {
    const quota = this.#options.faults.peek(this.#options.name, 'rest-quota');
    if (quota === undefined) return;
    const { rate = 20, ms = 60_000 } = quota;
    const left = this.#quota.excess(rate, ms);
    if (left === undefined) return;
    throw new RestRefusal(429001, 'ThrottlingException', 'Too many requests.', { 'Retry-After': String(left) });
  }

  async #answer(request: IncomingMessage): Promise<RestAnswer> {
    const { name, faults, now } = this.#options;
    const chunks: Buffer[] = await request.toArray();
    const { method = request.method } = faults.peek(name, 'rest-status') ?? {};
    const failed = method === request.method ? faults.take(name, 'rest-status') : undefined;
    if (failed !== undefined) {
      const { status = 503, code = status * 1_000 + 1, retryAfter, message = 'Fault.' } = failed;
      const headers = retryAfter === undefined ? {} : { 'Retry-After': retryAfter };
      return { status, headers, body: this.#options.refusalBody(new RestRefusal(code, 'Fault', message)) };
    }
    this.#demandQuota();
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://localhost');
    const [, token] = /^Bearer (.*)/.exec(request.headers.authorization ?? '') ?? [];
    const reason =
      token === undefined
        ? sasRefusal(request.headers.authorization, this.access, now())
        : bearerRefusal(token, this.access, this.#options.audience, now());
    if (reason !== undefined) {
      this.#options.log.add(name, 'refused', { code: 401, reason });
      throw new RestRefusal(...this.#options.unauthorized, 'Unauthorized');
    }
    const version = searchParams.get('api-version');
    if (version === null) throw new RestRefusal(400004, 'InvalidProtocolVersion', 'The api-version is missing.');
    if (this.#options.knows?.(version) === false) {
      throw new RestRefusal(400004, 'InvalidProtocolVersion', `The api-version ${version} is not supported.`);
    }
    const path = pathname.replace(/\/$/, '');
    const route = this.#routes.find(({ method, path: pattern }) => method === request.method && pattern.test(path));
    if (route === undefined) {
      const known = this.#routes.some(({ path: pattern }) => pattern.test(path));
      throw known
        ? new RestRefusal(405000, 'MethodNotAllowed', 'Method not allowed')
        : new RestRefusal(404000, 'NotFound', 'Resource not found');
    }
    const id = decodeURIComponent(route.path.exec(path)?.[1] ?? '');
    return route.answer({ id, query: searchParams, headers: request.headers, body: parsed(Buffer.concat(chunks)) });
  }
}

function parsed(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new RestRefusal(400004, 'ArgumentInvalid', 'The body is not JSON.');
  }
}
