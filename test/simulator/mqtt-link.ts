import * as mqtt from 'mqtt-packet';
import type { Caller } from './door.ts';

// mqtt-packet 6.10 fills a table of 65,536 Buffers at its first packet (20 to 70 ms) unless told not to.
mqtt.writeToStream.cacheNumbers = false;

/** The server's end of one MQTT 3.1.1 connection. */
export class MqttLink {
  readonly caller: Caller;
  clientId = '';
  /** Since CONNACK 0. */
  open = false;
  readonly #filters = new Set<string>();
  #endReason: string | undefined;
  #keepalive: NodeJS.Timeout | undefined;

  constructor(caller: Caller, onPacket: (packet: mqtt.Packet) => void, onEnd: (reason: string) => void) {
    this.caller = caller;
    const { socket } = caller;
    const parser = mqtt.parser({ protocolVersion: 4 });
    parser.on('packet', (packet) => {
      // What came in one read after a packet that made us close is not looked at.
      if (!socket.destroyed) {
        this.#keepalive?.refresh();
        onPacket(packet);
      }
    });
    parser.on('error', () => this.drop('not MQTT'));
    socket.on('data', (bytes) => parser.parse(bytes));
    socket.once('close', () => {
      clearTimeout(this.#keepalive);
      onEnd(this.#endReason ?? 'closed by the client');
    });
  }

  send(packet: mqtt.Packet): void {
    if (this.caller.socket.writable) {
      this.caller.socket.write(mqtt.generate(packet));
    }
  }

  /** A message of QoS 0 to the client, if it has subscribed to the topic. */
  publish(topic: string, payload: unknown): boolean {
    if (!this.subscribed(topic)) {
      return false;
    }
    const body = typeof payload === 'string' ? payload : JSON.stringify(payload);
    this.send({ cmd: 'publish', topic, payload: body, qos: 0, dup: false, retain: false });
    return true;
  }

  subscribe(filter: string): void {
    this.#filters.add(filter);
  }

  unsubscribe(filter: string): void {
    this.#filters.delete(filter);
  }

  subscribed(topic: string): boolean {
    return [...this.#filters].some((filter) =>
      filter.endsWith('#') ? topic.startsWith(filter.slice(0, -1)) : filter === topic,
    );
  }

  /** Hub and DPS end a connection that is silent for 1.5 times its keepalive; seconds, 0 is never. */
  keepalive(seconds: number): void {
    if (seconds > 0) {
      this.#keepalive = setTimeout(() => this.drop('keepalive'), seconds * 1_500).unref();
    }
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
