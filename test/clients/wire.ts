import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { generate, type Packet, parser } from 'mqtt-packet';
import type { Endpoints } from '../simulator/api.ts';
import type { Identity } from '../simulator/ca.ts';
import { MQTTS } from '../simulator/door.ts';
import { hubUsername } from './raw.ts';

/** A session with a hub, packet by packet: it acknowledges nothing by itself. */
export class Wire {
  readonly closed: Promise<unknown>;
  readonly #socket: TLSSocket;
  readonly #packets: Packet[] = [];
  #awaited: (() => void) | undefined;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    const parsing = parser({ protocolVersion: 4 });
    parsing.on('packet', (packet) => {
      this.#packets.push(packet);
      this.#awaited?.();
    });
    socket.on('data', (bytes) => parsing.parse(bytes));
    socket.on('error', () => undefined);
    socket.once('close', () => this.#awaited?.());
  }

  /** Comes back after CONNACK 0. */
  static async enter(
    { trustPem }: Endpoints,
    host: string,
    deviceId: string,
    { key, cert }: Identity,
    clean = true,
    version?: string,
  ): Promise<Wire> {
    const [name = '', port = MQTTS] = host.split(':');
    const socket = connect({ port: Number(port), host: name, ca: trustPem, key, cert });
    await once(socket, 'secureConnect');
    const wire = new Wire(socket);
    const username = hubUsername(host, deviceId, version);
    wire.send({ cmd: 'connect', clientId: deviceId, username, clean, protocolId: 'MQTT', protocolVersion: 4 });
    const answer = await wire.next();
    if (answer.cmd !== 'connack' || answer.returnCode !== 0) throw new Error(`refused: ${JSON.stringify(answer)}`);
    return wire;
  }

  send(packet: Packet): void {
    this.#socket.write(generate(packet, { protocolVersion: 4 }));
  }

  /** The next packet; rejects where the connection ends before one comes. */
  async next(): Promise<Packet> {
    while (this.#packets.length === 0) {
      if (this.#socket.destroyed) throw new Error('the connection has ended');
      await new Promise<void>((resolve) => {
        this.#awaited = resolve;
      });
    }
    const [packet] = this.#packets.splice(0, 1);
    if (packet === undefined) throw new Error('no packet');
    return packet;
  }

  async subscribe(topic: string, qos: 0 | 1): Promise<number | undefined> {
    this.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos }] });
    const packet = await this.next();
    return packet.cmd === 'suback' ? Number(packet.granted[0]) : undefined;
  }

  /** Of QoS 0. */
  publish(topic: string, payload = ''): void {
    this.send({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false });
  }

  /** Telemetry of QoS 1. */
  tell(
    deviceId: string,
    messageId: number,
    payload: string | Buffer,
    { bag = '', dup = false, qos = 1 }: { bag?: string; dup?: boolean; qos?: 1 | 2 } = {},
  ): void {
    const topic = `devices/${deviceId}/messages/events/${bag}`;
    this.send({ cmd: 'publish', topic, payload, qos, messageId, dup, retain: false });
  }

  async leave(): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }
}
