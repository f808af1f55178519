import type { ClientRequest, IncomingMessage } from 'node:http';
import { Http } from 'azure-iot-provisioning-device-http';
import type { TlsConnector } from '../../../hsm/connector.ts';
import { Fault } from '../../failure/failure.ts';
import { fields, fieldsIn } from '../../mqtt/json.ts';
import type { Assignment } from '../../roll/leaf.ts';
import type { Dps } from '../../roll/ports.ts';
import { clientFor, DEADLINE_MS, type DpsTerms, dpsBy, stopTimers } from '../client.ts';
import { outcomeOf, readStatus } from '../wire.ts';
import { type Admitted, Https, type HttpsOptions } from './https.ts';
import { type Attesting, security } from './security.ts';

export interface TpmDpsOptions extends DpsTerms, Pick<HttpsOptions, 'through'> {
  readonly tpm: Attesting;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** Longest time for one request, in milliseconds. */
  readonly requestMs?: number;
}

/**
 * Registers the gateway with DPS by its TPM: over HTTPS, because DPS has no TPM attestation over MQTT. DPS sends a key that
 * only this TPM can open, for one signature, and with the assignment the key for the hub: each registration brings another.
 *
 * @throws Fault NL-DPS-*, NL-CLOCK; TpmError; the reason of the abort signal
 */
export const createTpmDps = (options: TpmDpsOptions): Dps => dpsBy(options, (connector) => attest(options, connector));

function attest(options: TpmDpsOptions, connector: TlsConnector) {
  const { endpoint: host, registrationId, tpm, now, requestMs = 30_000, deadlineMs = DEADLINE_MS } = options;
  const over = new AbortController();
  let polling = false;
  let found: Assignment | undefined;
  let key: string | undefined;

  function admit(asked: ClientRequest, answer: IncomingMessage, body: string): Admitted {
    const { statusCode: status = 0, headers } = answer;
    const read = readStatus({ status, retryAfter: headers['retry-after'], payload: body }, polling);
    const isProven = asked.getHeader('Authorization') !== undefined;
    // A 401 that holds a key is the challenge to a TPM; without one it is a refusal.
    const challenge = isProven || status !== 401 ? undefined : keyIn(fieldsIn(body));
    if (challenge !== undefined) return admitted(status, { authenticationKey: challenge });
    if (read instanceof Fault) throw unattested(read, answer, now());
    if (!isProven) throw new Fault('NL-DPS-BODY', { cause: `status ${status}, no challenge` });
    if (read.status === 'assigning') {
      const { operationId, retryAfterMs } = read;
      if (retryAfterMs >= deadlineMs) throw outcomeOf(read);
      polling = true;
      return admitted(202, { operationId, status: 'assigning' }, { 'retry-after': `${retryAfterMs / 1_000}` });
    }
    const authenticationKey = keyIn(fields(fieldsIn(body).registrationState).tpm);
    if (authenticationKey === undefined)
      throw new Fault('NL-DPS-BODY', { cause: 'assigned, no tpm.authenticationKey' });
    found = read.assignment;
    return admitted(200, { status: 'assigned', registrationState: { tpm: { authenticationKey } } });
  }

  const https = new Https({ host, connector, requestMs, admit, through: options.through });
  const taken = (name: string) => {
    key = name;
  };
  const device = security(tpm, registrationId, { over: over.signal, taken });
  const client = clientFor(options, new Http(https), device);
  const registered = Promise.resolve(client.register()).then(
    // The SDK is done: the TPM has stored the key for the hub.
    () => {
      if (found === undefined || key === undefined) throw new Fault('NL-DPS-BODY');
      return { ...found, key };
    },
    (error: Error) => {
      // Other errors of the SDK come from the TPM; an error of DPS has ended the registration before.
      throw error.name === 'TimeoutError' ? new Fault('NL-DPS-TIMEOUT', { cause: error }) : error;
    },
  );
  return {
    outcome: Promise.race([https.failed, registered]),
    end() {
      over.abort();
      https.end();
      stopTimers(client);
    },
  };
}

function admitted(status: number, body: object, headers = {}): Admitted {
  return { status, headers, body: JSON.stringify(body) };
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

function keyIn(holder: unknown): string | undefined {
  const { authenticationKey: key } = fields(holder);
  return typeof key === 'string' && BASE64.test(key) ? key : undefined;
}

/** A token lives for an hour: with a clock further behind than this, it has expired before it is sent. */
const FAR_BEHIND_MS = 50 * 60_000;

/** The end of a registration in words for a TPM: its clock, or its keys, where the table speaks of a leaf. */
function unattested({ failure }: Fault, { headers }: IncomingMessage, now: number): Fault {
  const { code, cause, retryAfterMs } = failure;
  const behindMs = Date.parse(headers.date ?? '') - now;
  if (failure.kind === 'refused' && behindMs > FAR_BEHIND_MS) {
    const message = `The clock of this gateway is ${Math.round(behindMs / 60_000)} minutes behind that of DPS.`;
    return new Fault('NL-CLOCK', { message, cause });
  }
  const words = WORDS[code];
  return new Fault(code, { ...words, cause, ...(retryAfterMs !== undefined && { retryAfterMs }) });
}

const WORDS: Readonly<Record<string, { readonly message: string; readonly advice: string }>> = {
  'NL-DPS-401002': {
    message: 'DPS does not accept the endorsement key of this TPM: it is another one, or the enrollment is disabled.',
    advice: 'Operator: put what `newleaf tpm` prints into the enrollment, then `newleaf reprovision`.',
  },
  'NL-DPS-404201': {
    message: 'DPS has no TPM enrollment for this registration ID in this ID scope.',
    advice:
      'Operator: create it with what `newleaf tpm` prints, or check dps.id_scope and dps.registration_id; then `newleaf reprovision`.',
  },
};
