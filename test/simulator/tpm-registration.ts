import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { activationBlob } from './activation.ts';
import type { Attested, Unattested } from './attest.ts';
import type { Caller } from './door.ts';
import type { DpsOptions } from './dps.ts';
import { answerBody, disabledBody, errorBody, GARBLED } from './dps-body.ts';
import type { FaultName, FaultOptions } from './faults.ts';
import type { Fields, LogEvent } from './log.ts';
import { NO_HUB, type Operation } from './registrar.ts';
import { sasRefusal } from './rest/sas.ts';

const REGISTER = /^\/([^/]+)\/registrations\/([^/?]+)\/register\?api-version=/;
const OPERATION = /^\/([^/]+)\/registrations\/([^/?]+)\/operations\/([^/?]+)\?api-version=/;
const VERSION = /[?&]api-version=([^&]+)/;

/** The public halves that a device shows, base64 of TPM2B_PUBLIC. */
interface Shown {
  readonly endorsementKey: string;
  readonly storageRootKey: string;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: number;
  readonly scope: string;
  readonly registrationId: string;
  readonly version: string;
}

/**
 * Registration by TPM attestation over HTTPS (device/routes.tsp; the device's side of it: azure-iot-sdk-c,
 * prov_transport_http_client.c). A request without a token is answered by 401 and a key that only this TPM can open;
 * one with a token signed by that key is a registration, whose outcome brings the key for the hub, wrapped likewise.
 */
export class TpmRegistration {
  readonly #options: DpsOptions;
  /** The key of the challenge that was sent last, and the TPM it was made for. */
  readonly #challenges = new Map<string, Shown & { readonly key: Buffer }>();

  constructor(options: DpsOptions) {
    this.#options = options;
  }

  /** Whether the request is for it. */
  takes({ method, url = '' }: IncomingMessage): boolean {
    return (method === 'PUT' && REGISTER.test(url)) || (method === 'GET' && OPERATION.test(url));
  }

  async serve(request: IncomingMessage, response: ServerResponse, { connection }: Caller): Promise<void> {
    const url = request.url ?? '';
    const [, scope = '', registrationId = '', operationId] = OPERATION.exec(url) ?? REGISTER.exec(url) ?? [];
    const [, version = ''] = VERSION.exec(url) ?? [];
    const call = { request, response, connection, scope, registrationId, version };
    const body = parse(await text(request));
    if (operationId !== undefined) this.#poll(call, operationId);
    else if (request.headers.authorization === undefined) this.#challenge(call, body);
    else await this.#register(call, body);
  }

  #challenge(call: Call, body: Body): void {
    const { registrationId } = call;
    this.#note(call, 'challenge');
    const status = this.#take(call, 'challenge-status');
    const attested = this.#attest(call, body);
    if (status?.status !== undefined) this.#error(call, status.status, status.code ?? 0, 'Fault.', status.retryAfter);
    else if (attested === undefined) this.#error(call, 404, 404201, 'Registration not found.');
    else if ('errorCode' in attested) this.#error(call, 401, attested.errorCode, attested.message);
    else {
      const challenge = { ...attested.shown, key: randomBytes(32) };
      this.#challenges.set(registrationId, challenge);
      const blob = wrapped(challenge, challenge.key);
      // Within the seed that is encrypted to the endorsement key.
      if (this.#take(call, 'challenge-corrupt')) blob[100] = (blob[100] ?? 0) ^ 1;
      const authenticationKey = blob.toString('base64');
      this.#answer(call, 401, { message: 'Authorization required.', authenticationKey, keyName: 'registration' });
    }
  }

  async #register(call: Call, body: Body): Promise<void> {
    const { registrar, issuing } = this.#options;
    const { registrationId, response, version } = call;
    this.#note(call, 'register', { body });
    if (this.#take(call, 'drop-before')) return void response.destroy();
    if (this.#take(call, 'no-answer')) return;
    if (this.#garbled(call, 'register-status')) return;
    const refusal = this.#unauthorized(call);
    const attested = this.#attest(call, body);
    if (refusal !== undefined) this.#error(call, 401, 401000, refusal);
    else if (attested === undefined) this.#error(call, 404, 404201, 'Registration not found.');
    else if ('errorCode' in attested && this.#refuses(call, attested)) return;
    else if (registrar.inFlight(registrationId)) this.#error(call, 409, 409203, 'Precondition failed.');
    else {
      const known = 'errorCode' in attested ? attested : attested.attested;
      const outcome = 'errorCode' in known ? known : await issuing.register(known, registrationId, body.csr, version);
      if ('errorCode' in outcome && outcome !== known && this.#refuses(call, outcome)) return;
      const operation = registrar.begin(registrationId);
      this.#conclude(call, operation, outcome);
      if (this.#take(call, 'drop-after')) response.destroy();
      else this.#accepted(call, operation);
    }
  }

  /** Refuses in the answer to the request itself, if that is the shape of it. */
  #refuses(call: Call, { errorCode, message, disabled, answered }: Unattested): boolean {
    const { registrar, switches } = this.#options;
    const barred = disabled && registrar.bar(call.registrationId, disabled);
    const usual = barred ? switches.disabledShape : switches.refusalShape;
    const shape = answered === 'at-once' ? 'res-401' : (answered ?? usual);
    if (barred && shape === 'disabled') {
      this.#note(call, 'refused', { code: errorCode, reason: 'disabled' });
      this.#answer(call, 200, JSON.parse(disabledBody(barred)));
    } else if (shape === 'res-401') this.#error(call, Math.trunc(errorCode / 1_000), errorCode, message);
    return shape !== 'failed';
  }

  #conclude(call: Call, operation: Operation, attested: Attested | Unattested): void {
    const fault = this.#take(call, 'allocation-failed');
    const { errorCode, message } = NO_HUB;
    const failed = fault && { errorCode: fault.code ?? errorCode, message: fault.message ?? message };
    const outcome = this.#options.registrar.conclude(operation, attested, failed);
    if (outcome.kind === 'assigned') {
      this.#note(call, 'assigned', { hub: outcome.hub, reason: outcome.registration.substatus });
    } else this.#note(call, 'refused', { code: outcome.errorCode, reason: outcome.message });
  }

  #poll(call: Call, operationId: string): void {
    const { registrar } = this.#options;
    const { registrationId, response } = call;
    const operation = registrar.operation(operationId);
    this.#note(call, 'poll', { reason: operation?.outcome?.kind ?? 'assigning' });
    if (this.#take(call, 'drop-on-poll')) return void response.destroy();
    if (this.#garbled(call, 'poll-status')) return;
    const refusal = this.#unauthorized(call);
    const challenge = this.#challenges.get(registrationId);
    if (refusal !== undefined || challenge === undefined) this.#error(call, 401, 401000, refusal ?? 'no challenge');
    else if (operation?.registrationId !== registrationId) this.#error(call, 404, 404202, 'Operation not found.');
    else if (operation.outcome?.kind !== 'assigned') this.#answer(call, 200, this.#outcome(call, operation));
    else {
      const key = Buffer.from(operation.outcome.key ?? '', 'base64');
      const authenticationKey = wrapped(challenge, key).toString('base64');
      const answer = this.#outcome(call, operation);
      const { x509: _, ...state } = answer.registrationState;
      this.#answer(call, 200, { ...answer, registrationState: { tpm: { authenticationKey }, ...state } });
    }
  }

  /** Which enrollment lets this TPM in: one for its registration ID, with its endorsement key. */
  #attest(
    { registrationId, scope }: Call,
    body: Body,
  ): { readonly attested: Attested; readonly shown: Shown } | Unattested | undefined {
    const { idScope, registrar } = this.#options;
    const enrollment = registrar.enrollments.individuals.get(registrationId);
    const shown = body.tpm as Partial<Shown> | undefined;
    if (scope !== idScope || enrollment?.tpm === undefined) return undefined;
    const { endorsementKey, storageRootKey } = shown ?? {};
    if (body.registrationId !== registrationId || endorsementKey === undefined || storageRootKey === undefined) {
      return { errorCode: 400004, message: 'BadRequest' };
    }
    if (enrollment.tpm.endorsementKey !== endorsementKey) return { errorCode: 401002, message: 'Unauthorized' };
    if (enrollment.status === 'disabled') return { errorCode: 401002, message: 'Unauthorized', disabled: enrollment };
    const key = randomBytes(32).toString('base64');
    const attested = { enrollment, thumbprints: { primary: '', secondary: '', key } };
    return { attested, shown: { endorsementKey, storageRootKey } };
  }

  #unauthorized({ request, registrationId, scope }: Call): string | undefined {
    const challenge = this.#challenges.get(registrationId);
    if (challenge === undefined) return 'no challenge was sent';
    const host = `${scope}/registrations/${registrationId}`.toLowerCase();
    const access = { host, policy: 'registration', key: challenge.key.toString('base64') };
    return sasRefusal(request.headers.authorization, access, this.#options.now());
  }

  #outcome({ version }: Call, operation: Operation) {
    return JSON.parse(answerBody(operation, version, this.#options.switches));
  }

  #accepted(call: Call, { operationId }: Operation): void {
    const fault = this.#take(call, 'retry-after');
    const retryAfter = fault ? fault.retryAfter : this.#options.switches.retryAfter;
    this.#answer(call, 202, { operationId, status: 'assigning' }, retryAfter);
  }

  #garbled(call: Call, own: FaultName): boolean {
    const fault = this.#take(call, own);
    if (fault?.status !== undefined) {
      const { status, code = status * 1_000 + 1, message = 'Fault.', retryAfter } = fault;
      this.#error(call, status, code, message, retryAfter);
      return true;
    }
    const body = Object.entries(GARBLED).find(([name]) => this.#take(call, name as keyof typeof GARBLED))?.[1];
    if (body !== undefined) call.response.writeHead(200, { 'Content-Type': 'application/json' }).end(body);
    return body !== undefined;
  }

  #error(call: Call, status: number, code: number, message: string, retryAfter?: string): void {
    this.#note(call, 'refused', { code, reason: message });
    this.#answer(call, status, JSON.parse(errorBody(code, message, randomUUID())), retryAfter);
  }

  #answer({ response }: Call, status: number, body: object, retryAfter?: string): void {
    const date = new Date(this.#options.now()).toUTCString();
    const later = retryAfter ? { 'Retry-After': retryAfter } : {};
    response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', Date: date, ...later });
    response.end(JSON.stringify(body));
  }

  #note({ connection, registrationId }: Call, event: LogEvent, fields: Fields = {}): void {
    this.#options.log.add('dps', event, { connection, clientId: registrationId, ...fields });
  }

  #take({ connection }: Call, name: FaultName): FaultOptions | undefined {
    return this.#options.faults.take('dps', name, connection);
  }
}

type Body = Readonly<Record<string, unknown>>;

function parse(body: string): Body {
  try {
    return JSON.parse(body);
  } catch {
    return {};
  }
}

const wrapped = ({ endorsementKey, storageRootKey }: Shown, key: Buffer): Buffer =>
  activationBlob(Buffer.from(endorsementKey, 'base64'), Buffer.from(storageRootKey, 'base64'), key);
