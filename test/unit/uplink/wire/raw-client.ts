import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { IConnectPacket, Packet } from 'mqtt-packet';
import { mqttPacket } from '../../../../agent/mqtt/packets.ts';

export const CONNECT = { cmd: 'connect', clientId: 'dev', clean: true, keepalive: 0, protocolId: 'MQTT' } as const;

/** A client that says what a test wants, byte by byte. */
export class RawClient implements AsyncDisposable {
  readonly socket: Duplex;
  readonly got: Packet[] = [];
  readonly closed: Promise<void>;
  isClosed = false;
  readonly #waiting = new Set<() => void>();

  constructor(socket: Duplex) {
    this.socket = socket;
    const parser = mqttPacket.parser();
    parser.on('packet', (packet) => {
      this.got.push(packet);
      this.#wake();
    });
    socket.on('data', (bytes: Buffer) => parser.parse(bytes));
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  static async dial(path: string): Promise<RawClient> {
    const socket: Socket = connect(path);
    const client = new RawClient(socket);
    await once(socket, 'connect');
    return client;
  }

  /** Dials, and has CONNACK 0. */
  static async open(path: string, connecting: Partial<IConnectPacket> = {}): Promise<RawClient> {
    const client = await RawClient.dial(path);
    client.send({ ...CONNECT, ...connecting });
    const connack = await client.next('connack');
    if (connack.cmd !== 'connack' || connack.returnCode !== 0) throw new Error(`CONNACK ${JSON.stringify(connack)}`);
    return client;
  }

  send(...packets: readonly Packet[]): void {
    this.socket.write(Buffer.concat(packets.map((packet) => mqttPacket.generate(packet))));
  }

  publish(topic: string, messageId: number, payload: string | Buffer = ''): void {
    this.send({ cmd: 'publish', topic, payload, qos: 1, messageId, dup: false, retain: false });
  }

  /** Takes the next packet of this kind; rejected where the connection ends before. */
  async next(cmd: Packet['cmd']): Promise<Packet> {
    for (;;) {
      const index = this.got.findIndex((packet) => packet.cmd === cmd);
      const [packet] = index === -1 ? [] : this.got.splice(index, 1);
      if (packet !== undefined) return packet;
      if (this.isClosed) throw new Error(`closed without ${cmd}`);
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  /** The packets that came first, once there are so many. */
  async first(count: number): Promise<readonly Packet[]> {
    while (this.got.length < count) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
    return this.got.slice(0, count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
