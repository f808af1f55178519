import type { IncomingMessage } from 'node:http';
import type { SecureContext } from 'node:tls';
import provisioning from 'azure-iot-provisioning-device';
import { Http } from 'azure-iot-provisioning-device-http';
import { Fault } from '../../failure/failure.ts';
import type { Assignment } from '../../roll/leaf.ts';
import type { Dps } from '../../roll/ports.ts';
import { within } from '../../time/within.ts';
import { stopTimers } from '../timers.ts';
import { outcomeOf, readStatus } from '../wire.ts';
import { type Admitted, Https } from './https.ts';
import { type Attesting, security } from './security.ts';
import { unattested } from './unattested.ts';

export interface TpmDpsOptions {
  /** `host` or `host:port` */
  readonly endpoint: string;
  readonly idScope: string;
  readonly registrationId: string;
  /** Handed to a custom allocation function. */
  readonly payload?: object;
  readonly tpm: Attesting;
  readonly contextFor: () => Promise<SecureContext>;
  /** Longest registration, polling included, in milliseconds. */
  readonly deadlineMs?: number;
  /** Longest time for one request, in milliseconds. */
  readonly requestMs?: number;
}

const DEADLINE_MS = 120_000;

/**
 * Registers the gateway with DPS by its TPM: over HTTPS, because DPS has no TPM attestation over MQTT. DPS sends a key that
 * only this TPM can open, for one signature, and with the assignment the key for the hub: each registration brings another.
 *
 * @throws Fault NL-DPS-*, NL-CLOCK; TpmError; the reason of the abort signal
 */
export function createTpmDps(options: TpmDpsOptions): Dps {
  const { endpoint, contextFor, deadlineMs = DEADLINE_MS } = options;
  const late = () => new Fault('NL-DPS-TIMEOUT', { cause: `${endpoint}, ${deadlineMs} ms` });
  return {
    async register(_, abort) {
      const registration = new Registration(options, await within(contextFor(), { abort }));
      try {
        return await within(registration.assignment, { abort, after: { ms: deadlineMs, late } });
      } finally {
        registration.end();
      }
    },
  };
}

/** One registration by one SDK client. */
class Registration {
  readonly assignment: Promise<Assignment>;
  readonly #https: Https;
  readonly #client: object;
  readonly #deadlineMs: number;
  readonly #over = new AbortController();
  #polling = false;
  #found: Assignment | undefined;
  #key: string | undefined;

  constructor(options: TpmDpsOptions, context: SecureContext) {
    const { endpoint: host, idScope, registrationId, tpm, payload, requestMs = 30_000 } = options;
    const { promise: failure, reject } = withRejection();
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    const admit = (asked: { getHeader(name: string): unknown }, answer: IncomingMessage, body: string) =>
      asked.getHeader('Authorization') === undefined ? challengeIn(answer, body) : this.#admit(answer, body);
    this.#https = new Https({ host, context, requestMs, admit, failed: reject });
    const client = provisioning.ProvisioningDeviceClient.create(
      host,
      idScope,
      new Http(this.#https),
      security(tpm, registrationId, {
        over: this.#over.signal,
        taken: (name) => {
          this.#key = name;
        },
      }),
    );
    if (payload !== undefined) client.setProvisioningPayload(payload);
    this.#client = client;
    const registered = Promise.resolve(client.register()).then(
      () => this.#assigned(),
      (error: Error) => {
        // Other errors of the SDK come from the TPM; an error of DPS has ended the registration before.
        throw error.name === 'TimeoutError' ? new Fault('NL-DPS-TIMEOUT', { cause: error }) : error;
      },
    );
    this.assignment = Promise.race([failure, registered]);
  }

  end(): void {
    this.#over.abort();
    this.#https.end();
    stopTimers(this.#client);
  }

  /** The SDK is done: the TPM has stored the key for the hub. */
  #assigned(): Assignment {
    if (this.#found === undefined || this.#key === undefined) throw new Fault('NL-DPS-BODY');
    return { ...this.#found, key: this.#key };
  }

  #admit(answer: IncomingMessage, body: string): Admitted {
    const { statusCode: status = 0, headers } = answer;
    const read = readStatus({ status, retryAfter: headers['retry-after'], payload: body }, this.#polling);
    if (read instanceof Fault) throw unattested(read, answer);
    if (read.status === 'assigning' && read.retryAfterMs >= this.#deadlineMs) throw outcomeOf(read);
    if (read.status === 'assigning') {
      const { operationId, retryAfterMs } = read;
      this.#polling = true;
      const assigning = { operationId, status: 'assigning' };
      return { status: 202, headers: { 'retry-after': `${retryAfterMs / 1_000}` }, body: JSON.stringify(assigning) };
    }
    const authenticationKey = keyIn(JSON.parse(body).registrationState?.tpm);
    if (authenticationKey === undefined)
      throw new Fault('NL-DPS-BODY', { cause: 'assigned, no tpm.authenticationKey' });
    this.#found = read.assignment;
    const registrationState = { tpm: { authenticationKey } };
    return { status: 200, headers: {}, body: JSON.stringify({ status: 'assigned', registrationState }) };
  }
}

function withRejection(): { promise: Promise<never>; reject: (error: unknown) => void } {
  let reject = (_: unknown): void => {};
  const promise = new Promise<never>((_, no) => {
    reject = no;
  });
  return { promise, reject };
}

/** A 401 that holds a key is the challenge to a TPM; without one it is a refusal. */
function challengeIn(answer: IncomingMessage, body: string): Admitted {
  const { statusCode: status = 0, headers } = answer;
  const read = readStatus({ status, retryAfter: headers['retry-after'], payload: body }, false);
  const authenticationKey = status === 401 ? keyIn(parsed(body)) : undefined;
  if (authenticationKey !== undefined) return { status, headers: {}, body: JSON.stringify({ authenticationKey }) };
  if (read instanceof Fault) throw unattested(read, answer);
  throw new Fault('NL-DPS-BODY', { cause: `status ${status}, no challenge` });
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

function keyIn(fields: unknown): string | undefined {
  if (typeof fields !== 'object' || fields === null || !('authenticationKey' in fields)) return undefined;
  const { authenticationKey: key } = fields;
  return typeof key === 'string' && BASE64.test(key) ? key : undefined;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
