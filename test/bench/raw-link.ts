import { once } from 'node:events';
import * as mqtt from 'mqtt-packet';
import type { TlsConnector, TlsStream } from '../../hsm/connector.ts';

mqtt.writeToStream.cacheNumbers = false;

/** MQTT 3.1.1 as directly as it can be had: one socket, one parser, no queue. */
export class RawLink {
  /** Of CONNACK. */
  readonly code: number;
  /** Fulfilled when the connection is gone. */
  readonly closed: Promise<unknown>;
  readonly #socket: TlsStream;
  readonly #parser: mqtt.Parser;

  private constructor(socket: TlsStream, parser: mqtt.Parser, code: number) {
    this.#socket = socket;
    this.#parser = parser;
    this.code = code;
    this.closed = once(socket, 'close');
  }

  /** @param host `host:port` */
  static async open(host: string, tls: TlsConnector, clientId: string, username: string): Promise<RawLink> {
    const { hostname, port } = new URL(`mqtts://${host}`);
    const socket = tls.connect({ host: hostname, port: Number(port) });
    socket.setNoDelay(true);
    await once(socket, 'secureConnect');
    const parser = mqtt.parser({ protocolVersion: 4 });
    socket.on('data', (bytes) => parser.parse(bytes));
    const connack = packet(parser, 'connack');
    socket.write(
      mqtt.generate({
        cmd: 'connect',
        clientId,
        username,
        keepalive: 180,
        clean: true,
        protocolId: 'MQTT',
        protocolVersion: 4,
      }),
    );
    return new RawLink(socket, parser, (await connack).returnCode ?? 0);
  }

  async subscribe(topic: string): Promise<void> {
    const suback = packet(this.#parser, 'suback');
    this.#send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 0 }] });
    await suback;
  }

  /** Publishes, and returns the payload of the next message. */
  async ask(topic: string, payload: string): Promise<string> {
    const answer = packet(this.#parser, 'publish');
    this.#send({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false });
    return (await answer).payload.toString();
  }

  end(): void {
    this.#socket.destroy();
  }

  #send(sent: mqtt.Packet): void {
    this.#socket.write(mqtt.generate(sent));
  }
}

type PacketOf<C extends mqtt.PacketCmd> = Extract<mqtt.Packet, { cmd: C }>;

function packet<C extends mqtt.PacketCmd>(parser: mqtt.Parser, cmd: C): Promise<PacketOf<C>> {
  return new Promise((resolve) => {
    const look = (found: mqtt.Packet) => {
      if (found.cmd !== cmd) return;
      parser.off('packet', look);
      resolve(found as PacketOf<C>);
    };
    parser.on('packet', look);
  });
}
