import type { IConnectPacket } from 'mqtt-packet';
import { tokenEnd, tokenRefusal } from './device-token.ts';
import type { Caller } from './door.ts';
import type { FaultName, FaultOptions, Faults } from './faults.ts';
import type { HubName, Log } from './log.ts';
import { Mailbox } from './mailbox.ts';
import { type MethodAnswer, Methods } from './methods.ts';
import { MqttEndpoint, type MqttRules, type Verdict } from './mqtt-endpoint.ts';
import type { MqttLink } from './mqtt-link.ts';
import type { MqttSession } from './mqtt-session.ts';
import { printsOf, validAt } from './presented.ts';
import type { Registry, Write } from './registry.ts';
import type { Switches } from './switches.ts';

/** `{hubhost}/{deviceId}/?api-version=2021-04-12`, then `&DeviceClientType=…`. */
const USERNAME = /^([^/]+)\/([^/]+)\/\?api-version=[^&]+/;
const TWIN_GET = /^\$iothub\/twin\/GET\/\?\$rid=([^&]+)/;
const REPORTED = /^\$iothub\/twin\/PATCH\/properties\/reported\/\?\$rid=([^&]+)/;
const METHOD_ANSWER = /^\$iothub\/methods\/res\/(\d+)\/\?\$rid=([^&]+)/;

const NOT_AUTHORIZED = 5;
/** The longest delay that setTimeout takes; a leaf that lives longer outlives every test. */
const LONGEST_DELAY = 2 ** 31 - 1;

export interface HubOptions {
  readonly name: HubName;
  readonly log: Log;
  readonly faults: Faults;
  readonly switches: Switches;
  readonly registry: Registry;
  /** What it is called: host:port of the device side, host of the service side. */
  readonly names: () => readonly string[];
  readonly now: () => number;
}

/** The device side of an IoT Hub over MQTT (iot-mqtt-connect-to-iot-hub). */
export class Hub implements MqttRules {
  readonly #options: HubOptions;
  readonly #endpoint: MqttEndpoint;
  readonly #methods = new Methods();
  readonly #links = new Map<string, MqttLink>();
  /** Of clients that connected with CleanSession 0. */
  readonly #sessions = new Map<string, MqttSession>();
  readonly #mail = new Map<string, Mailbox>();
  /** Milliseconds since the epoch. */
  readonly #tokenEnds = new WeakMap<Caller, number>();
  /** Connects refused, and the moment of the write, since each identity was last written. */
  readonly #settling = new Map<string, { refused: number; since: number }>();

  constructor(options: HubOptions) {
    this.#options = options;
    this.#endpoint = new MqttEndpoint(options.name, options.log, options.faults, this);
    options.registry.on('written', (deviceId, write, { primary, secondary }) => {
      options.log.add(options.name, 'registry', { clientId: deviceId, reason: write, body: { primary, secondary } });
      this.#written(deviceId, write);
    });
    options.registry.on('desired', (deviceId, patch, version) => {
      const topic = `$iothub/twin/PATCH/properties/desired/?$version=${version}`;
      this.#links.get(deviceId)?.publish(topic, { ...patch, $version: version });
    });
  }

  accept(caller: Caller): void {
    this.#endpoint.accept(caller);
  }

  /** Only the thumbprint and the validity of the leaf count, or the token: chain and EKU are ignored (iotedge PR#621). */
  judge(connect: IConnectPacket, caller: Caller): Verdict {
    const { clientId, username = '' } = connect;
    const { presented } = caller;
    const { registry, switches, now } = this.#options;
    if (presented && !validAt(presented.leaf, now())) return { close: 'leaf expired or not valid yet' };
    const identity = registry.find(clientId);
    const [, host = '', deviceId] = USERNAME.exec(username) ?? [];
    if (deviceId !== clientId) {
      return { code: NOT_AUTHORIZED, reason: 'client id differs from the device id of the username' };
    }
    if (!this.#options.names().includes(host.toLowerCase())) {
      return { code: NOT_AUTHORIZED, reason: 'the username names another hub' };
    }
    if (identity === undefined) return { code: NOT_AUTHORIZED, reason: 'no such device' };
    if (identity.status === 'disabled') return { code: switches.disabledConnack, reason: 'device disabled' };
    const { primary, secondary, key, secondaryKey = key } = identity.thumbprints;
    if (key !== undefined && secondaryKey !== undefined) {
      const refusals = [key, secondaryKey].map((one) => tokenRefusal(connect, one, now()));
      const [refusal] = refusals;
      if (refusal !== undefined && !refusals.includes(undefined)) return { code: NOT_AUTHORIZED, reason: refusal };
      this.#tokenEnds.set(caller, tokenEnd(connect));
    } else if (!presented || !printsOf(presented).some((print) => print === primary || print === secondary)) {
      return { code: NOT_AUTHORIZED, reason: 'thumbprint does not match' };
    }
    return this.#settles(clientId) ? { code: NOT_AUTHORIZED, reason: 'fault' } : { code: 0 };
  }

  /** One connection per device: the newest wins, the old one is dropped without DISCONNECT (log code 400027). */
  opened(link: MqttLink): void {
    const old = this.#links.get(link.clientId);
    this.#links.set(link.clientId, link);
    this.#endpoint.note(link, 'connected');
    old?.drop('newer connection');
    this.#deliver(link);
    const tokenEnds = this.#tokenEnds.get(link.caller);
    if (tokenEnds !== undefined) this.#endAt(link, tokenEnds, 'token expired');
    if (this.#options.switches.sessionsEndAtNotAfter && link.caller.presented) {
      this.#endAt(link, Date.parse(link.caller.presented.leaf.validTo), 'leaf expired');
    }
  }

  resume(link: MqttLink, clean: boolean): boolean {
    const kept = clean ? undefined : this.#sessions.get(link.clientId);
    link.session = kept ?? link.session;
    if (clean) this.#sessions.delete(link.clientId);
    else this.#sessions.set(link.clientId, link.session);
    return kept !== undefined;
  }

  subscribed(link: MqttLink): void {
    this.#deliver(link);
  }

  /** A cloud-to-device message. Throws where 50 wait already. */
  send(deviceId: string, body: string): void {
    const mailbox = this.#mail.get(deviceId) ?? new Mailbox();
    this.#mail.set(deviceId, mailbox);
    const topic = `devices/${deviceId}/messages/devicebound/%24.to=%2Fdevices%2F${deviceId}%2Fmessages%2FdeviceBound`;
    if (!mailbox.put(topic, body)) throw new Error(`403004 DeviceMaximumQueueDepthExceeded: ${deviceId}`);
    const link = this.#links.get(deviceId);
    if (link !== undefined) this.#deliver(link);
  }

  closed(link: MqttLink): void {
    this.#methods.lost(link);
    if (this.#links.get(link.clientId) === link) this.#links.delete(link.clientId);
  }

  mayPublish({ clientId }: MqttLink, topic: string): boolean {
    return topic.startsWith(`devices/${clientId}/messages/events/`) || topic.startsWith('$iothub/');
  }

  maySubscribe({ clientId }: MqttLink, filter: string): boolean {
    return filter.startsWith('$iothub/') || filter === `devices/${clientId}/messages/devicebound/#`;
  }

  published(link: MqttLink, topic: string, payload: Buffer): void {
    const [, getRid] = TWIN_GET.exec(topic) ?? [];
    const [, patchRid] = REPORTED.exec(topic) ?? [];
    const [, status, methodRid] = METHOD_ANSWER.exec(topic) ?? [];
    if (getRid !== undefined) {
      this.#answerTwin(link, getRid);
    } else if (patchRid !== undefined) {
      this.#report(link, patchRid, payload);
    } else if (methodRid !== undefined) {
      this.#endpoint.note(link, 'method-answer', { code: Number(status), body: payload.toString() });
      this.#methods.answered(methodRid, { status: Number(status), payload: parse(payload) });
    } else {
      this.#endpoint.note(link, 'telemetry', { reason: topic, body: payload.toString() });
    }
  }

  /** Whether the device has a session now. */
  connected(deviceId: string): boolean {
    return this.#links.has(deviceId);
  }

  /** Whether a direct method reaches the device now: it has a session, and has subscribed. */
  hears(deviceId: string): boolean {
    return this.#links.get(deviceId)?.session.qosFor('$iothub/methods/POST/') !== undefined;
  }

  /**
   * Calls a direct method. `timeoutMs` is how long the answer may take. Rejects as the service does: 404103 where
   * the device is not connected or has no methods, 504101 where it does not answer in time.
   */
  callMethod(deviceId: string, name: string, payload: unknown, timeoutMs: number): Promise<MethodAnswer> {
    const link = this.#links.get(deviceId);
    return this.#methods.call(link, deviceId, name, payload, timeoutMs, () => {
      if (link !== undefined) this.#endpoint.note(link, 'method', { reason: name, body: payload });
    });
  }

  #deliver(link: MqttLink): void {
    this.#mail.get(link.clientId)?.deliver(
      link,
      ({ body, sent }) => this.#endpoint.note(link, 'message', { body, code: sent }),
      ({ body }) => this.#endpoint.note(link, 'message-acknowledged', { body }),
    );
  }

  #written(deviceId: string, write: Write): void {
    if (write === 'removed') {
      this.#sessions.delete(deviceId);
      this.#mail.delete(deviceId);
    }
    this.#settling.set(deviceId, { refused: 0, since: Date.now() });
    if (write === 'disabled' || write === 'removed') this.#links.get(deviceId)?.drop(`device ${write}`);
  }

  /** Right after a registry change CONNACK 5 can be transient (azure-iot-sdk-c#373). */
  #settles(deviceId: string): boolean {
    const fault = this.#options.faults.peek(this.#options.name, 'transient-5');
    const settling = this.#settling.get(deviceId);
    if (fault === undefined || settling === undefined) return false;
    settling.refused += 1;
    return settling.refused <= (fault.times ?? 0) || Date.now() - settling.since < (fault.ms ?? 0);
  }

  #answerTwin(link: MqttLink, rid: string): void {
    this.#endpoint.note(link, 'twin');
    const failed = this.#take(link, 'twin-status');
    if (failed) {
      link.publish(`$iothub/twin/res/${failed.status ?? 429}/?$rid=${rid}`, '');
    } else if (!this.#take(link, 'no-twin')) {
      const { desired, desiredVersion, reported, reportedVersion } = this.#options.registry.twin(link.clientId);
      link.publish(`$iothub/twin/res/200/?$rid=${rid}`, {
        desired: { ...desired, $version: desiredVersion },
        reported: { ...reported, $version: reportedVersion },
      });
    }
  }

  #report(link: MqttLink, rid: string, payload: Buffer): void {
    const patch = parse(payload);
    this.#endpoint.note(link, 'reported', { body: patch });
    const failed = this.#take(link, 'twin-status');
    if (failed || typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
      link.publish(`$iothub/twin/res/${failed?.status ?? 400}/?$rid=${rid}`, '');
      return;
    }
    const { reportedVersion } = this.#options.registry.patchReported(link.clientId, patch);
    link.publish(`$iothub/twin/res/204/?$rid=${rid}&$version=${reportedVersion}`, '');
  }

  #endAt(link: MqttLink, end: number, reason: string): void {
    const left = end - this.#options.now();
    const timer = setTimeout(() => link.drop(reason), Math.min(left, LONGEST_DELAY)).unref();
    link.caller.socket.once('close', () => clearTimeout(timer));
  }

  #take(link: MqttLink, name: FaultName): FaultOptions | undefined {
    return this.#options.faults.take(this.#options.name, name, link.caller.connection);
  }
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}
