import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import mqttPacket, { type IPublishPacket, type Packet } from 'mqtt-packet';

/** One connection as the far side has it. */
export interface Link {
  readonly socket: TLSSocket;
  /** Number of the connection, from 1. */
  readonly number: number;
  send(packet: Packet): void;
  publish(topic: string, payload?: string | Buffer, qos?: 0 | 1 | 2, messageId?: number): void;
}

export interface Script {
  /** The answer to CONNECT: a return code, to close without one, or to say nothing. */
  connack?: number | 'close' | 'none' | ((link: Link) => void);
  /** Kinds of packets that get no acknowledgement. */
  mute?: readonly Packet['cmd'][];
  onPublish?: (packet: IPublishPacket, link: Link) => void;
}

/** A scripted MQTT server over TLS on 127.0.0.1. It counts everything, and acknowledges what the script does not mute. */
export class FarSide implements AsyncDisposable {
  /** Every packet that came, in order. */
  readonly received: Packet[] = [];
  /** SNI of every connection; false for one without. */
  readonly serverNames: (string | false | null | undefined)[] = [];
  /** TCP connections. */
  connections = 0;
  script: Script;
  readonly links: Link[] = [];
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();

  private constructor(server: Server, script: Script) {
    this.#server = server;
    this.script = script;
    server.on('connection', () => {
      this.connections += 1;
    });
    server.on('secureConnection', (socket) => this.#serve(socket));
    server.on('tlsClientError', () => {});
  }

  static async start(tls: TlsOptions, script: Script = {}): Promise<FarSide> {
    const server = createServer({ requestCert: true, rejectUnauthorized: false, ...tls });
    const far = new FarSide(server, script);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return far;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get host(): string {
    return `localhost:${this.port}`;
  }

  /** Topics of the PUBLISH packets that came and begin so. */
  published(prefix: string): string[] {
    return this.received.flatMap((p) => (p.cmd === 'publish' && p.topic.startsWith(prefix) ? [p.topic] : []));
  }

  /** Waits until a packet, or the end of a connection, makes this true. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  /** Connections that are open. */
  get open(): number {
    return this.links.filter(({ socket }) => !socket.destroyed).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.links) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: TLSSocket): void {
    socket.setNoDelay(true);
    this.serverNames.push(socket.servername);
    const send = (packet: Packet): void => {
      if (socket.writable) mqttPacket.writeToStream(packet, socket);
    };
    const link: Link = {
      socket,
      number: this.links.length + 1,
      send,
      publish: (topic, payload = '', qos = 0, messageId = 77) =>
        send({ cmd: 'publish', topic, payload, qos, dup: false, retain: false, ...(qos > 0 && { messageId }) }),
    };
    this.links.push(link);
    const parser = mqttPacket.parser();
    parser.on('packet', (packet) => {
      this.received.push(packet);
      this.#acknowledge(packet, link);
      if (packet.cmd === 'publish') this.script.onPublish?.(packet, link);
      this.#wake();
    });
    socket.on('data', (bytes) => parser.parse(bytes));
    socket.on('error', () => {});
    socket.on('close', () => this.#wake());
  }

  #acknowledge(packet: Packet, link: Link): void {
    const { connack = 0, mute = [] } = this.script;
    if (mute.includes(packet.cmd)) return;
    const messageId = packet.messageId ?? 0;
    if (packet.cmd === 'connect') {
      if (typeof connack === 'function') connack(link);
      else if (connack === 'close') link.socket.end();
      else if (connack !== 'none') link.send({ cmd: 'connack', returnCode: connack, sessionPresent: false });
    } else if (packet.cmd === 'subscribe') link.send({ cmd: 'suback', messageId, granted: [0] });
    else if (packet.cmd === 'unsubscribe') link.send({ cmd: 'unsuback', messageId });
    else if (packet.cmd === 'publish' && packet.qos > 0) link.send({ cmd: 'puback', messageId });
    else if (packet.cmd === 'pingreq') link.send({ cmd: 'pingresp' });
    else if (packet.cmd === 'disconnect') link.socket.end();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
