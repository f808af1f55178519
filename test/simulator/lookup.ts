import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import type { Caller } from './door.ts';
import { errorBody } from './dps-body.ts';
import type { Log } from './log.ts';
import { commonName } from './presented.ts';
import type { Registrar } from './registrar.ts';
import { stateBody } from './rest/enrollment-body.ts';
import type { Switches } from './switches.ts';
import type { TpmRegistration } from './tpm-registration.ts';
import type { WebSockets } from './websockets.ts';

/** POST `/{idScope}/registrations/{registrationId}`: DeviceRegistrationStatusLookup (device/routes.tsp). */
const PATH = /^\/([^/]+)\/registrations\/([^/?]+)\?api-version=/;

export interface LookupOptions {
  readonly idScope: string;
  readonly log: Log;
  readonly switches: Switches;
  readonly registrar: Registrar;
  readonly now: () => number;
  /** MQTT on the same port. */
  readonly webSockets: WebSockets;
  /** Serves registrations by a TPM. */
  readonly tpm: TpmRegistration;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The device side of DPS over HTTPS: what became of a registration, and registration by a TPM. */
export class Lookup {
  readonly #options: LookupOptions;
  readonly #http = createServer((request, response) => void this.#serve(request, response));
  readonly #callers = new WeakMap<Duplex, Caller>();

  constructor(options: LookupOptions) {
    this.#options = options;
    this.#http.on('upgrade', (request, socket, head) => options.webSockets.upgrade(request, socket as TLSSocket, head));
  }

  accept(caller: Caller): void {
    this.#callers.set(caller.socket, caller);
    this.#http.emit('connection', caller.socket);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { log, now } = this.#options;
    const caller = this.#callers.get(request.socket);
    if (caller !== undefined && this.#options.tpm.takes(request)) {
      void this.#options.tpm.serve(request, response, caller);
      return;
    }
    const [, scope = '', registrationId = ''] = PATH.exec(request.url ?? '') ?? [];
    const isLookup = request.method === 'POST' && registrationId !== '' && caller !== undefined;
    const { status, body } = isLookup
      ? this.#lookUp(scope, registrationId, caller, await text(request))
      : refusal(404, 404000, 'Not found.');
    if (isLookup) {
      const { connection, presented } = caller;
      log.add('dps', 'lookup', { connection, code: status, thumbprint: presented?.thumbprint ?? '' });
    }
    response.writeHead(status, { 'Content-Type': 'application/json', Date: new Date(now()).toUTCString() }).end(body);
  }

  /** DPS authenticates before it looks, as it does for a registration. */
  #lookUp(scope: string, registrationId: string, { presented }: Caller, body: string): Answer {
    const { idScope, registrar, switches } = this.#options;
    if (scope !== idScope || presented === undefined || commonName(presented.leaf) !== registrationId) {
      return refusal(401, 401002, 'Unauthorized');
    }
    const attested = registrar.attest(presented, registrationId);
    if ('errorCode' in attested) {
      const { errorCode, message: errorMessage, disabled } = attested;
      const shape = disabled ? switches.disabledShape : switches.refusalShape;
      if (shape === 'res-401') return refusal(401, errorCode, errorMessage);
      const why = shape === 'disabled' ? {} : { errorCode, errorMessage };
      return { status: 200, body: JSON.stringify({ registrationId, status: shape, ...why }) };
    }
    // "A csr in that call: 400" (device/models.tsp).
    if (/"csr"\s*:/.test(body)) return refusal(400, 400004, 'The field "csr" is not known.');
    const registration = registrar.enrollments.registrations.get(registrationId);
    if (registration === undefined) return refusal(404, 404201, 'Registration not found.');
    return { status: 200, body: JSON.stringify(stateBody(registration)) };
  }
}

const refusal = (status: number, code: number, message: string): Answer => ({
  status,
  body: errorBody(code, message, randomUUID()),
});
