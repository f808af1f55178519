import { Duplex } from 'node:stream';
import { generate, type Packet, parser } from 'mqtt-packet';
import type { TlsConnector, TlsStream } from '../../hsm/connector.ts';

const TWIN = JSON.stringify({ desired: { $version: 1 }, reported: { $version: 1 } });

/** A hub in this process: it accepts every device, and has a twin. */
export const playedHub: TlsConnector = { connect: () => new Session() };

/** The stream of one connection, without TLS. */
class Session extends Duplex implements TlsStream {
  readonly authorizationError = undefined;
  readonly #parser = parser();

  constructor() {
    super();
    this.#parser.on('packet', (packet) => this.#answer(packet));
    setImmediate(() => {
      this.emit('connect');
      this.emit('secureConnect');
    });
  }

  getProtocol(): string {
    return 'TLSv1.3';
  }

  setNoDelay(): void {}

  destroySoon(): void {
    this.destroy();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#parser.parse(chunk);
    done();
  }

  #answer(packet: Packet): void {
    if (packet.cmd === 'connect') this.#send({ cmd: 'connack', returnCode: 0, sessionPresent: false });
    else if (packet.cmd === 'subscribe') {
      const granted = packet.subscriptions.map(({ qos }) => qos);
      this.#send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted });
    } else if (packet.cmd === 'publish') {
      const { topic, qos, messageId = 0 } = packet;
      if (qos === 1) this.#send({ cmd: 'puback', messageId });
      const request = /\$rid=([^&]+)/.exec(topic)?.[1];
      if (topic.startsWith('$iothub/twin/GET/')) this.#publish(`$iothub/twin/res/200/?$rid=${request}`, TWIN);
      if (topic.startsWith('$iothub/twin/PATCH/')) this.#publish(`$iothub/twin/res/204/?$rid=${request}&$version=2`);
    }
  }

  #publish(topic: string, payload = ''): void {
    this.#send({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false });
  }

  #send(packet: Packet): void {
    if (!this.destroyed) this.push(generate(packet));
  }
}
