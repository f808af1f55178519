import { randomUUID } from 'node:crypto';
import type { IConnectPacket, IPublishPacket } from 'mqtt-packet';
import type { Issuing } from './adr/issuing.ts';
import type { Attested, Unattested } from './attest.ts';
import type { Caller } from './door.ts';
import { answerBody, disabledBody, errorBody, GARBLED } from './dps-body.ts';
import type { FaultName, FaultOptions, Faults } from './faults.ts';
import type { Log } from './log.ts';
import { type Admission, MqttEndpoint, type MqttRules, type Verdict } from './mqtt-endpoint.ts';
import type { MqttLink } from './mqtt-link.ts';
import { commonName, validAt } from './presented.ts';
import { NO_HUB, type Operation, type Outcome, type Registrar } from './registrar.ts';
import type { Switches } from './switches.ts';
import { dpsKnows } from './versions.ts';
import { Window } from './window.ts';

const RESPONSES = '$dps/registrations/res/';
const REGISTER = /^\$dps\/registrations\/PUT\/iotdps-register\/\?\$rid=([^&]+)/;
const POLL = /^\$dps\/registrations\/GET\/iotdps-get-operationstatus\/\?\$rid=([^&]+)&operationId=([^&]+)/;
/** `{idScope}/registrations/{registrationId}/api-version=2019-03-31`, then `&ClientVersion=…`. */
const USERNAME = /^([^/]+)\/registrations\/([^/]+)\/api-version=([^&]+)/;

const SERVER_UNAVAILABLE = 3;
const NOT_AUTHORIZED = 5;

/** What the device side of DPS stands on, over MQTT and over HTTPS. */
export interface DpsOptions {
  readonly idScope: string;
  readonly log: Log;
  readonly faults: Faults;
  readonly switches: Switches;
  readonly registrar: Registrar;
  readonly issuing: Issuing;
  readonly now: () => number;
}

/** The device side of DPS over MQTT (iot-mqtt-connect-to-iot-dps). */
export class Dps implements MqttRules {
  readonly #options: DpsOptions;
  readonly #endpoint: MqttEndpoint;
  readonly #links = new Map<string, MqttLink>();
  /** The api-version of each connection. */
  readonly #versions = new WeakMap<Caller, string>();
  readonly #quota = new Window();

  constructor(options: DpsOptions) {
    this.#options = options;
    this.#endpoint = new MqttEndpoint('dps', options.log, options.faults, this);
  }

  accept(caller: Caller): void {
    this.#endpoint.accept(caller);
  }

  /** Only scope and name are judged here; whether the leaf is enrolled shows in the answer to the registration. */
  judge({ clientId, username = '' }: IConnectPacket, caller: Caller): Verdict {
    const { presented } = caller;
    const { idScope, switches, now } = this.#options;
    const [, scope, registrationId, version = ''] = USERNAME.exec(username) ?? [];
    if (presented && !validAt(presented.leaf, now()) && switches.expiredLeafAtDps === 'close') {
      return { close: 'leaf expired' };
    }
    // "Unsupported version: the same as a refused identity" (Azure/azure-iot-sdk, connection reference 9.3.1).
    if (scope !== undefined && !dpsKnows(version, switches.dpsVersions)) {
      return { code: NOT_AUTHORIZED, reason: `api-version ${version} is not known` };
    }
    this.#versions.set(caller, version);
    if (scope !== idScope) return { code: SERVER_UNAVAILABLE, reason: 'wrong id scope' };
    if (clientId !== registrationId) {
      return { code: NOT_AUTHORIZED, reason: 'client id differs from the registration id of the username' };
    }
    if (presented === undefined) return { code: NOT_AUTHORIZED, reason: 'no client certificate' };
    if (commonName(presented.leaf) !== registrationId) {
      return { code: NOT_AUTHORIZED, reason: 'CN differs from the registration id' };
    }
    return { code: 0 };
  }

  /** "DPS doesn't support persistent sessions", whatever the client asks for (iot-mqtt-connect-to-iot-dps). */
  resume(): boolean {
    return false;
  }

  subscribed(): void {}

  opened(link: MqttLink): void {
    const old = this.#links.get(link.clientId);
    this.#links.set(link.clientId, link);
    if (this.#options.switches.secondDpsConnect === 'drop-old') old?.drop('newer connection');
  }

  closed(link: MqttLink): void {
    if (this.#links.get(link.clientId) === link) this.#links.delete(link.clientId);
  }

  mayPublish(_link: MqttLink, topic: string): boolean {
    return REGISTER.test(topic) || POLL.test(topic);
  }

  maySubscribe(_link: MqttLink, filter: string): Admission {
    return filter === `${RESPONSES}#` ? 'grant' : 'refuse';
  }

  acksInOrder(): boolean {
    return false;
  }

  published(link: MqttLink, { topic, payload }: IPublishPacket, puback: () => boolean): void {
    puback();
    const [, rid] = REGISTER.exec(topic) ?? [];
    if (rid !== undefined) {
      this.#register(link, rid, Buffer.from(payload));
      return;
    }
    const [, pollRid = '', operationId = ''] = POLL.exec(topic) ?? [];
    this.#poll(link, pollRid, operationId);
  }

  #register(link: MqttLink, rid: string, payload: Buffer): void {
    this.#endpoint.note(link, 'register', { body: payload.toString() });
    const { presented } = link.caller;
    const registrationId = link.clientId;
    if (this.#isThrottled()) {
      this.#error(
        link,
        rid,
        429,
        429001,
        'Too many requests.',
        this.#options.faults.peek('dps', 'register-quota')?.retryAfter,
      );
    } else if (this.#take(link, 'drop-before')) {
      link.drop('fault');
    } else if (!this.#take(link, 'no-answer') && !this.#garbled(link, rid, 'register-status')) {
      const body = parsed(payload);
      if (body === undefined || (body.registrationId ?? registrationId) !== registrationId) {
        this.#error(link, rid, 400, 400004, 'BadRequest');
      } else if (this.#options.registrar.inFlight(registrationId)) {
        this.#error(link, rid, 409, 409203, 'Precondition failed.');
      } else if (presented !== undefined) {
        this.#certify(link, rid, this.#options.registrar.attest(presented, registrationId), body.csr);
      }
    }
  }

  #isThrottled(): boolean {
    const quota = this.#options.faults.peek('dps', 'register-quota');
    return quota !== undefined && this.#quota.excess(quota.rate ?? 1_000, quota.ms ?? 60_000) !== undefined;
  }

  /** A registration that asks for no certificate goes on at once. */
  #certify(link: MqttLink, rid: string, attested: Attested | Unattested, csr: unknown): void {
    const { issuing } = this.#options;
    const registrationId = link.clientId;
    if ('errorCode' in attested) this.#decide(link, rid, attested);
    else if (csr === undefined) this.#decide(link, rid, issuing.plain(attested, registrationId));
    else {
      const certified = issuing.register(attested, registrationId, csr, this.#version(link));
      void certified.then((outcome) => this.#decide(link, rid, outcome));
    }
  }

  #version({ caller }: MqttLink): string {
    return this.#versions.get(caller) ?? '';
  }

  /** Refuses in the first answer, or opens an operation. */
  #decide(link: MqttLink, rid: string, attested: Attested | Unattested): void {
    const { registrar, switches } = this.#options;
    if ('errorCode' in attested) {
      const { errorCode, message, disabled, answered } = attested;
      const barred = disabled && registrar.bar(link.clientId, disabled);
      const usual = barred ? switches.disabledShape : switches.refusalShape;
      const shape = answered === 'at-once' ? 'res-401' : (answered ?? usual);
      if (barred && shape === 'disabled') {
        this.#endpoint.note(link, 'refused', { code: errorCode, reason: 'disabled' });
        this.#answer(link, rid, 200, disabledBody(barred));
        return;
      }
      if (shape === 'res-401') {
        this.#error(link, rid, Math.trunc(errorCode / 1_000), errorCode, message);
        return;
      }
    }
    const operation = registrar.begin(link.clientId);
    const slow = this.#take(link, 'slow-assignment');
    if (slow) {
      setTimeout(() => this.#conclude(link, operation, attested), slow.ms ?? 0).unref();
    } else {
      this.#conclude(link, operation, attested);
    }
    if (this.#take(link, 'drop-after')) {
      link.drop('fault');
    } else if (switches.answerAtOnce && operation.outcome !== undefined) {
      this.#answer(link, rid, 200, this.#outcome(link, operation));
    } else {
      this.#accepted(link, rid, operation);
    }
  }

  #conclude(link: MqttLink, operation: Operation, attested: Attested | Unattested): void {
    const fault = this.#take(link, 'allocation-failed');
    const { errorCode, message } = NO_HUB;
    const failed = fault && { errorCode: fault.code ?? errorCode, message: fault.message ?? message };
    this.#tell(link, this.#options.registrar.conclude(operation, attested, failed));
  }

  #poll(link: MqttLink, rid: string, operationId: string): void {
    const { registrar } = this.#options;
    const operation = registrar.operation(operationId);
    this.#endpoint.note(link, 'poll', { reason: operation?.outcome?.kind ?? 'assigning' });
    if (this.#take(link, 'drop-on-poll')) {
      link.drop('fault');
    } else if (!this.#garbled(link, rid, 'poll-status')) {
      if (operation === undefined || operation.registrationId !== link.clientId) {
        this.#error(link, rid, 404, 404202, 'Operation not found.');
      } else if (operation.outcome === undefined) {
        this.#accepted(link, rid, operation);
      } else {
        this.#answer(link, rid, 200, this.#outcome(link, operation));
      }
    }
  }

  #outcome(link: MqttLink, operation: Operation): string {
    return answerBody(operation, this.#version(link), this.#options.switches);
  }

  #accepted(link: MqttLink, rid: string, { operationId }: Operation): void {
    const fault = this.#take(link, 'retry-after');
    const retryAfter = fault ? fault.retryAfter : this.#options.switches.retryAfter;
    this.#answer(link, rid, 202, JSON.stringify({ operationId, status: 'assigning' }), retryAfter);
  }

  /** Answers that are wrong on purpose; the fault named is the one for this request. */
  #garbled(link: MqttLink, rid: string, own: FaultName): boolean {
    const status = this.#take(link, own);
    if (status?.status !== undefined) {
      const { code = status.status * 1_000 + 1, message = 'Fault.' } = status;
      this.#error(link, rid, status.status, code, message, status.retryAfter);
      return true;
    }
    for (const [name, body] of Object.entries(GARBLED)) {
      if (this.#take(link, name as keyof typeof GARBLED)) {
        this.#answer(link, rid, 200, body);
        return true;
      }
    }
    return false;
  }

  #error(link: MqttLink, rid: string, status: number, code: number, message: string, retryAfter?: string): void {
    this.#endpoint.note(link, 'refused', { code, reason: message });
    this.#answer(link, rid, status, errorBody(code, message, randomUUID()), retryAfter);
  }

  #answer(link: MqttLink, rid: string, status: number, body: string, retryAfter?: string): void {
    const later = retryAfter ? `&retry-after=${retryAfter}` : '';
    const cut = this.#take(link, 'cut-body');
    link.publish(`${RESPONSES}${status}/?$rid=${rid}${later}`, cut ? body.slice(0, cut.bytes) : body);
  }

  #tell(link: MqttLink, outcome: Outcome): void {
    if (outcome.kind === 'assigned') {
      this.#endpoint.note(link, 'assigned', { hub: outcome.hub, reason: outcome.registration.substatus });
    } else {
      this.#endpoint.note(link, 'refused', { code: outcome.errorCode, reason: outcome.message });
    }
  }

  #take(link: MqttLink, name: FaultName): FaultOptions | undefined {
    return this.#options.faults.take('dps', name, link.caller.connection);
  }
}

/** A body is an object, and names the device that sends it, or nobody: the unified SDK for C leaves the ID to the username. */
function parsed(payload: Buffer): { readonly registrationId?: unknown; readonly csr?: unknown } | undefined {
  try {
    const body: unknown = JSON.parse(payload.toString());
    return typeof body === 'object' && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}
