import type { IConnectPacket, IPublishPacket, ISubscribePacket, Packet } from 'mqtt-packet';
import type { Caller } from './door.ts';
import type { FaultName, FaultOptions, Faults } from './faults.ts';
import type { Fields, Log, LogEvent, ServerName } from './log.ts';
import { MqttLink } from './mqtt-link.ts';

/** CONNACK code, or a close without CONNACK; the reason is for the log only, the client never sees it. */
export type Verdict = { readonly code: number; readonly reason?: string } | { readonly close: string };

/** What becomes of a subscription: SUBACK with its QoS or with 128, or the connection is closed. */
export type Admission = 'grant' | 'refuse' | 'close';

/** What DPS and hub have of their own. */
export interface MqttRules {
  judge(connect: IConnectPacket, caller: Caller): Verdict;
  /** Before CONNACK 0: gives the connection a session of before, if the client wants one and there is one. */
  resume(link: MqttLink, clean: boolean): boolean;
  /** After CONNACK 0. */
  opened(link: MqttLink): void;
  mayPublish(link: MqttLink, topic: string): boolean;
  maySubscribe(link: MqttLink, filter: string): Admission;
  /** After SUBACK. */
  subscribed(link: MqttLink): void;
  /** `puback` sends the PUBACK, where the PUBLISH wants one; it tells whether it went out. */
  published(link: MqttLink, packet: IPublishPacket, puback: () => boolean): void;
  /** Whether a PUBACK out of order (MQTT 3.1.1 section 4.6) ends the connection. */
  acksInOrder(): boolean;
  closed(link: MqttLink): void;
}

const NOT_AUTHORIZED = 5;
const REFUSED_SUBSCRIPTION = 128;

/** The MQTT 3.1.1 that DPS and the hubs have in common, with its faults. */
export class MqttEndpoint {
  readonly #name: ServerName;
  readonly #log: Log;
  readonly #faults: Faults;
  readonly #rules: MqttRules;

  constructor(name: ServerName, log: Log, faults: Faults, rules: MqttRules) {
    this.#name = name;
    this.#log = log;
    this.#faults = faults;
    this.#rules = rules;
  }

  /** Takes over a TLS connection. */
  accept(caller: Caller): void {
    const link: MqttLink = new MqttLink(
      caller,
      (packet) => this.#packet(link, packet),
      (reason) => this.#ended(link, reason),
    );
  }

  /** An entry about this connection. */
  note(link: MqttLink, event: LogEvent, fields: Fields = {}): void {
    const { connection, presented } = link.caller;
    this.#log.add(this.#name, event, {
      connection,
      clientId: link.clientId,
      thumbprint: presented?.thumbprint ?? '',
      ...fields,
    });
  }

  #take(link: MqttLink, name: FaultName): FaultOptions | undefined {
    return this.#faults.take(this.#name, name, link.caller.connection);
  }

  #packet(link: MqttLink, packet: Packet): void {
    if (packet.cmd === 'connect') {
      this.#connect(link, packet);
    } else if (!link.open) {
      link.drop('no CONNECT first');
    } else if (packet.cmd === 'publish') {
      this.#publish(link, packet);
    } else if (packet.cmd === 'subscribe') {
      this.#subscribe(link, packet);
    } else if (packet.cmd === 'unsubscribe') {
      packet.unsubscriptions.forEach((filter) => void link.session.unsubscribe(filter));
      link.send({ cmd: 'unsuback', ...id(packet) });
    } else if (packet.cmd === 'puback') {
      const taken = link.acknowledge(packet.messageId ?? 0, this.#rules.acksInOrder());
      if (!taken) link.drop('PUBACK out of order');
    } else if (packet.cmd === 'pingreq') {
      if (!this.#take(link, 'no-pingresp')) link.send({ cmd: 'pingresp' });
    } else if (packet.cmd === 'disconnect') {
      link.finish('DISCONNECT');
    }
  }

  #connect(link: MqttLink, connect: IConnectPacket): void {
    link.clientId = connect.clientId;
    const fields = { username: connect.username ?? '' };
    if (this.#take(link, 'no-connack')) return;
    const verdict = this.#forced(link) ?? this.#rules.judge(connect, link.caller);
    if ('close' in verdict) {
      this.note(link, 'closed-before-connack', { ...fields, reason: verdict.close });
      link.drop(verdict.close);
      return;
    }
    const answer = (): void => this.#answer(link, connect, verdict, fields);
    const delay = this.#take(link, 'delay-connack');
    if (delay) {
      const timer = setTimeout(answer, delay.ms ?? 0);
      link.caller.socket.once('close', () => clearTimeout(timer));
    } else {
      answer();
    }
  }

  /** The verdict that a fault gives, whoever comes. */
  #forced(link: MqttLink): Verdict | undefined {
    if (this.#take(link, 'close-before-connack')) return { close: 'fault' };
    const connack = this.#take(link, 'connack');
    return connack && { code: connack.code ?? NOT_AUTHORIZED, reason: 'fault' };
  }

  #answer(link: MqttLink, connect: IConnectPacket, verdict: { code: number; reason?: string }, fields: Fields): void {
    const { code } = verdict;
    const sessionPresent = code === 0 && this.#rules.resume(link, connect.clean ?? true);
    link.send({ cmd: 'connack', returnCode: code, sessionPresent });
    this.note(link, 'connack', { ...fields, ...verdict });
    if (code !== 0) {
      link.finish('refused');
      return;
    }
    link.open = true;
    link.keepalive(connect.keepalive ?? 0);
    this.#rules.opened(link);
    for (const name of ['idle-end', 'idle-drop'] as const) {
      const box = this.#take(link, name);
      if (box) link.allow(box.ms ?? 0, name);
    }
    const close = this.#take(link, 'accept-then-close');
    if (close?.ms) {
      const timer = setTimeout(() => link.drop('fault'), close.ms);
      link.caller.socket.once('close', () => clearTimeout(timer));
    } else if (close) {
      link.finish('fault');
    }
  }

  #subscribe(link: MqttLink, packet: ISubscribePacket): void {
    const granted = packet.subscriptions.map(({ topic, qos }) => {
      const admission = this.#rules.maySubscribe(link, topic);
      if (admission === 'close') link.drop(`SUBSCRIBE to ${topic}`);
      if (admission !== 'grant') return REFUSED_SUBSCRIPTION;
      const most = Math.min(qos, 1);
      link.session.subscribe(topic, most);
      this.note(link, 'subscribed', { reason: topic });
      return most;
    });
    if (link.ending) return;
    if (!this.#take(link, 'no-suback')) {
      link.send({ cmd: 'suback', granted, ...id(packet) });
      this.#rules.subscribed(link);
    }
  }

  #publish(link: MqttLink, packet: IPublishPacket): void {
    if (packet.qos === 2) {
      link.finish('PUBLISH of QoS 2');
      return;
    }
    if (!this.#rules.mayPublish(link, packet.topic)) {
      link.finish(`PUBLISH to ${packet.topic}`);
      return;
    }
    const puback = (): boolean =>
      packet.qos === 1 && !this.#take(link, 'no-puback') && link.puback(packet.messageId ?? 0);
    this.#rules.published(link, packet, puback);
  }

  #ended(link: MqttLink, reason: string): void {
    if (link.open) {
      link.open = false;
      this.note(link, 'disconnected', { reason });
      this.#rules.closed(link);
    }
  }
}

const id = ({ messageId }: Packet): { messageId?: number } => (messageId === undefined ? {} : { messageId });
