import * as mqtt from 'mqtt-packet';
import type { Caller } from './door.ts';
import { MqttSession } from './mqtt-session.ts';

// mqtt-packet 6.10 fills a table of 65,536 Buffers at its first packet (20 to 70 ms) unless told not to.
mqtt.writeToStream.cacheNumbers = false;

/** How a message goes out. */
interface Delivery {
  /** It went out before, and was not acknowledged. */
  readonly again?: boolean;
  /** By QoS 0, whatever was granted. */
  readonly plain?: boolean;
  /** Called when it has arrived, which nobody knows where the client has subscribed with QoS 0: at once then. */
  readonly acknowledged?: () => void;
}

const LONGEST_SILENCE_MS = 1_767_000;

/**
 * How long a client may be silent: 1.5 times its keepalive, 29.45 minutes at most, which is also the answer to a client
 * that promises nothing (iot-mqtt-connect-to-iot-hub, default keep-alive timeout).
 * @param keepalive seconds
 */
export const silenceMs = (keepalive: number): number =>
  keepalive === 0 ? LONGEST_SILENCE_MS : Math.min(keepalive * 1_500, LONGEST_SILENCE_MS);

/** The server's end of one MQTT 3.1.1 connection. */
export class MqttLink {
  readonly caller: Caller;
  clientId = '';
  /** Since CONNACK 0. */
  open = false;
  session = new MqttSession();
  /** By packet ID, in the order in which they went out. */
  readonly #unacknowledged = new Map<number, (() => void) | undefined>();
  #lastId = 0;
  #endReason: string | undefined;
  #keepalive: NodeJS.Timeout | undefined;
  #box: NodeJS.Timeout | undefined;
  /** A box on the way has forgotten the session, and takes packets without a word. */
  #forgotten = false;

  constructor(caller: Caller, onPacket: (packet: mqtt.Packet) => void, onEnd: (reason: string) => void) {
    this.caller = caller;
    const { socket } = caller;
    const parser = mqtt.parser({ protocolVersion: 4 });
    parser.on('packet', (packet) => {
      // What came in one read after a packet that made us close is not looked at.
      if (!this.ending) {
        this.#keepalive?.refresh();
        onPacket(packet);
      }
    });
    parser.on('error', () => this.drop('not MQTT'));
    socket.on('data', (bytes) => {
      if (this.#forgotten) return;
      this.#box?.refresh();
      parser.parse(bytes);
    });
    socket.once('close', () => {
      clearTimeout(this.#keepalive);
      clearTimeout(this.#box);
      onEnd(this.#endReason ?? 'closed by the client');
    });
  }

  /** We are closing it, or it is closed. */
  get ending(): boolean {
    return this.#endReason !== undefined || this.caller.socket.destroyed;
  }

  /** Whether it could be sent. */
  send(packet: mqtt.Packet): boolean {
    const writable = this.caller.socket.writable && !this.#forgotten;
    if (writable) {
      this.caller.socket.write(mqtt.generate(packet));
      this.#box?.refresh();
    }
    return writable;
  }

  /** The answer to its PUBLISH, without the stream that mqtt.generate makes: it goes out for each message of a flood. */
  puback(messageId: number): boolean {
    const { writable } = this.caller.socket;
    if (writable) this.caller.socket.write(Buffer.from([0x40, 2, messageId >> 8, messageId & 0xff]));
    return writable;
  }

  /** A message to the client, if it has subscribed to the topic, by the QoS that was granted. */
  publish(topic: string, payload: unknown, { again = false, plain = false, acknowledged }: Delivery = {}): boolean {
    const granted = this.session.qosFor(topic);
    if (granted === undefined) return false;
    const qos = plain ? 0 : granted;
    const body = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
    const message = { cmd: 'publish', topic, payload: body, qos, dup: again, retain: false } as const;
    if (qos === 0) {
      this.send(message);
      acknowledged?.();
      return true;
    }
    this.#lastId = (this.#lastId % 65_535) + 1;
    this.#unacknowledged.set(this.#lastId, acknowledged);
    this.send({ ...message, messageId: this.#lastId });
    return true;
  }

  /** PUBACK. @returns false where another message must be acknowledged before this one, which changes nothing then */
  acknowledge(messageId: number, inOrder: boolean): boolean {
    const [oldest = messageId] = this.#unacknowledged.keys();
    if (inOrder && oldest !== messageId) return false;
    this.#unacknowledged.get(messageId)?.();
    this.#unacknowledged.delete(messageId);
    return true;
  }

  /** Ends the connection when the client is silent for too long. */
  keepalive(seconds: number): void {
    this.#keepalive = setTimeout(() => this.drop('keepalive'), silenceMs(seconds)).unref();
  }

  /** From now on a box on the way allows so much silence, in milliseconds. */
  allow(ms: number, how: 'idle-end' | 'idle-drop'): void {
    this.#box = setTimeout(() => {
      if (how === 'idle-end') return this.drop('idle');
      this.#forgotten = true;
      clearTimeout(this.#keepalive);
    }, ms).unref();
  }

  /** Ends the connection at once, as the services do: MQTT 3.1.1 has no DISCONNECT from the server. */
  drop(reason: string): void {
    this.#endReason ??= reason;
    this.caller.socket.destroy();
  }

  /** As `drop`, but what was written goes out first. */
  finish(reason: string): void {
    this.#endReason ??= reason;
    this.caller.socket.destroySoon();
  }
}
