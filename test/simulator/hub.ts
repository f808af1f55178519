import { randomUUID } from 'node:crypto';
import type { IConnectPacket, IPublishPacket } from 'mqtt-packet';
import { ANSWERS, CredentialsDesk } from './adr/credentials-desk.ts';
import { eventBag } from './bag.ts';
import type { Caller } from './door.ts';
import { type AdmissionOptions, HubAdmission } from './hub-admission.ts';
import { Intake } from './intake.ts';
import type { Log } from './log.ts';
import { LARGEST_MAIL, Mailbox, type MailOptions, mailTopic } from './mailbox.ts';
import { type MethodAnswer, Methods } from './methods.ts';
import { type Admission, MqttEndpoint, type MqttRules, type Verdict } from './mqtt-endpoint.ts';
import type { MqttLink } from './mqtt-link.ts';
import type { MqttSession } from './mqtt-session.ts';
import type { Write } from './registry.ts';
import type { Telemetry } from './telemetry.ts';
import { parsed, TwinDesk } from './twin-desk.ts';
import { offersRenewal } from './versions.ts';

const METHOD_ANSWER = /^\$iothub\/methods\/res\/(-?\d+)\/\?\$rid=([^&]+)/;

const MOST_SUBSCRIPTIONS = 5;
/** The longest delay that setTimeout takes; a leaf that lives longer outlives every test. */
const LONGEST_DELAY = 2 ** 31 - 1;

export interface HubOptions extends AdmissionOptions {
  readonly log: Log;
}

/** The device side of an IoT Hub over MQTT (iot-mqtt-connect-to-iot-hub). */
export class Hub implements MqttRules {
  readonly #options: HubOptions;
  readonly #endpoint: MqttEndpoint;
  readonly #methods = new Methods();
  readonly #intake: Intake;
  readonly #twins: TwinDesk;
  readonly #credentials: CredentialsDesk;
  readonly #stands = new Map<string, (name: string, payload: unknown) => MethodAnswer>();
  readonly #links = new Map<string, MqttLink>();
  /** Of clients that connected with CleanSession 0. */
  readonly #sessions = new Map<string, MqttSession>();
  readonly #mail = new Map<string, Mailbox>();
  readonly #admission: HubAdmission;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#admission = new HubAdmission(options);
    this.#endpoint = new MqttEndpoint(options.name, options.log, options.faults, this);
    const note: MqttEndpoint['note'] = (link, event, fields) => this.#endpoint.note(link, event, fields);
    this.#intake = new Intake({ ...options, note });
    this.#twins = new TwinDesk({ ...options, note });
    const linkOf = (deviceId: string): MqttLink | undefined => this.#links.get(deviceId);
    this.#credentials = new CredentialsDesk({ ...options, note, linkOf });
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

  judge(connect: IConnectPacket, caller: Caller): Verdict {
    return this.#admission.judge(connect, caller);
  }

  /** One connection per device: the newest wins, the old one is dropped without DISCONNECT (log code 400027). */
  opened(link: MqttLink): void {
    const old = this.#links.get(link.clientId);
    this.#links.set(link.clientId, link);
    this.#endpoint.note(link, 'connected');
    old?.drop('newer connection');
    this.subscribed(link);
    const tokenEnds = this.#admission.tokenEnd(link.caller);
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
    this.#credentials.deliver(link);
  }

  /** The certificate of a request that is held is made now. Throws where there is none. */
  concludeRenewal(deviceId: string): Promise<void> {
    return this.#credentials.conclude(deviceId);
  }

  /** A cloud-to-device message. Throws where 50 wait already, or where it is too large. */
  send(deviceId: string, body: Buffer, options: MailOptions): void {
    const mailbox = this.#mail.get(deviceId) ?? new Mailbox();
    this.#mail.set(deviceId, mailbox);
    if (body.length > LARGEST_MAIL) throw new Error(`413001 MessageTooLarge: ${body.length} bytes`);
    const topic = mailTopic(deviceId, randomUUID(), options);
    if (!mailbox.put(topic, body)) throw new Error(`403004 DeviceMaximumQueueDepthExceeded: ${deviceId}`);
    const link = this.#links.get(deviceId);
    if (link !== undefined) this.#deliver(link);
  }

  closed(link: MqttLink): void {
    this.#methods.lost(link);
    this.#intake.closed(link);
    if (this.#links.get(link.clientId) === link) this.#links.delete(link.clientId);
  }

  /** "It only supports the documented topic names and topic filters" (iot-mqtt-connect-to-iot-hub). */
  mayPublish(link: MqttLink, topic: string): boolean {
    if (this.#credentials.knows(topic)) return this.#renews(link);
    const { clientId } = link;
    return eventBag(clientId, topic) !== undefined || this.#twins.knows(topic) || METHOD_ANSWER.test(topic);
  }

  /** "A device can only subscribe to five topics at a time" (the same page). */
  maySubscribe(link: MqttLink, filter: string): Admission {
    const { clientId, session } = link;
    if (filter.startsWith(ANSWERS) && !this.#renews(link)) return 'refuse';
    if (!filter.startsWith('$iothub/') && filter !== `devices/${clientId}/messages/devicebound/#`) return 'refuse';
    return session.has(filter) || session.size < MOST_SUBSCRIPTIONS
      ? 'grant'
      : this.#options.switches.sixthSubscription;
  }

  acksInOrder(): boolean {
    return this.#options.switches.acksInOrder;
  }

  published(link: MqttLink, packet: IPublishPacket, puback: () => boolean): void {
    const { topic, payload, dup = false, retain = false } = packet;
    const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const bag = eventBag(link.clientId, topic);
    if (bag !== undefined) {
      const { connection } = link.caller;
      this.#intake.arrived(link, { bag, body, qos: packet.qos === 1 ? 1 : 0, dup, retain, connection }, puback);
      return;
    }
    puback();
    if (this.#credentials.knows(topic)) {
      this.#credentials.request(link, topic, body);
      return;
    }
    const [, status, rid] = METHOD_ANSWER.exec(topic) ?? [];
    if (rid === undefined) {
      this.#twins.answer(link, topic, body);
    } else {
      this.#endpoint.note(link, 'method-answer', { code: Number(status), body: body.toString() });
      this.#methods.answered(link, rid, { status: Number(status), payload: parsed(body) });
    }
  }

  /** The device-to-cloud messages of a device. */
  telemetry(deviceId: string): Telemetry {
    return this.#intake.of(deviceId);
  }

  /** Whether the device has a session now. */
  connected(deviceId: string): boolean {
    return this.#links.has(deviceId) || this.#stands.has(deviceId);
  }

  /** A device without a line: it counts as connected, and its methods are answered at once. For fleets of ten thousand. */
  stand(deviceId: string, answer: (name: string, payload: unknown) => MethodAnswer): void {
    this.#stands.set(deviceId, answer);
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
    const stand = this.#stands.get(deviceId);
    if (stand !== undefined) return Promise.resolve(stand(name, payload));
    const link = this.#links.get(deviceId);
    return this.#methods.call(link, deviceId, name, payload, timeoutMs, () => {
      if (link !== undefined) this.#endpoint.note(link, 'method', { reason: name, body: payload });
    });
  }

  /** Whether the session has the topics of renewal. */
  #renews({ caller }: MqttLink): boolean {
    return offersRenewal(this.#admission.version(caller));
  }

  #deliver(link: MqttLink): void {
    this.#mail.get(link.clientId)?.deliver(
      link,
      ({ body, sent }) => this.#endpoint.note(link, 'message', { body: body.toString(), code: sent }),
      ({ body }) => this.#endpoint.note(link, 'message-acknowledged', { body: body.toString() }),
    );
  }

  #written(deviceId: string, write: Write): void {
    if (write === 'removed') {
      this.#sessions.delete(deviceId);
      this.#mail.delete(deviceId);
    }
    this.#admission.written(deviceId);
    if (write === 'disabled' || write === 'removed') this.#links.get(deviceId)?.drop(`device ${write}`);
  }

  #endAt(link: MqttLink, end: number, reason: string): void {
    const left = end - this.#options.now();
    const timer = setTimeout(() => link.drop(reason), Math.min(left, LONGEST_DELAY)).unref();
    link.caller.socket.once('close', () => clearTimeout(timer));
  }
}
