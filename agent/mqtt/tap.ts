import { type Duplex, PassThrough } from 'node:stream';
import mqtt, { type IClientOptions, type IPublishPacket, type Packet } from 'mqtt';
import type { TlsConnector, TlsStream } from '../../hsm/connector.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { AskedOfServer } from './asked.ts';
import type { Attempt } from './attempt.ts';
import { BY_SERVERS } from './packets.ts';
import { Pings, type PingTimes, type Quiet, USUAL } from './pings.ts';
import { LARGEST_PACKET, straight, type Way } from './way.ts';

/** MQTT 3.1.1 section 3.14: a DISCONNECT has no variable header and no payload. */
const DISCONNECT = Buffer.from([0xe0, 0x00]);
const FLUSH_MS = 1_000;
/** In the username, for DPS and hub alike. */
const API_VERSION = /(api-version=)[^&]+/;

export interface TapOptions {
  /** `host` or `host:port`; without it, the port is that of the way. */
  readonly host: string;
  /** By default a connection of its own, and MQTT over TLS. */
  readonly way?: Way;
  /** Carries our certificate chain and key, and the CAs that may vouch for the other side. */
  readonly connector: TlsConnector;
  /** Longest time from dialling to CONNACK, in milliseconds. */
  readonly connectMs: number;
  readonly pings?: PingTimes;
  /** In place of the one of the SDK. */
  readonly apiVersion?: string | undefined;
  /**
   * Sees every PUBLISH before the SDK does, and may rewrite it. `false` keeps it from the SDK; so does a promise, and the
   * PUBACK of a QoS 1 PUBLISH then waits until it is fulfilled.
   */
  readonly admit: (packet: IPublishPacket) => boolean | Promise<void>;
  /** Sees every outgoing PUBLISH before it is written, and may rewrite it. */
  readonly sent?: (packet: IPublishPacket) => void;
}

/**
 * The MQTT provider for the Azure SDK: `new MqttBase(tap)`.
 *
 * The SDK names almost every failed connect UnauthorizedError (azure-iot-device-mqtt 1.16.4, dist/mqtt.js: "Failure on first
 * connection (Not authorized)") and can use keys from files only. So the tap dials by itself, with a key of our own, and notes
 * what really happened. One tap is one connection; it is never used again.
 */
export class Tap {
  readonly attempt: Attempt;
  /** Fulfilled when the connection is gone, or will never be made; never rejected. */
  readonly closed: Promise<void>;
  readonly #options: TapOptions;
  readonly #way: Way;
  readonly #url: URL;
  /** What is asked of the server beside the SDK. */
  readonly asked = new AskedOfServer();
  readonly #write = (packet: Buffer): void => {
    if (!this.#stream?.writable) return;
    this.#pings.sent();
    this.#stream.write(packet);
  };
  readonly #acknowledgements = new Acknowledgements(this.#write);
  readonly #pings: Pings;
  /** How silent the connection was when it ended; undefined before, and where it never had CONNACK 0. */
  quiet: Quiet | undefined;
  /** The SDK hung up. */
  isLeft = false;
  #tls: TlsStream | undefined;
  /** The stream of MQTT: that of TLS, or one within it. */
  #stream: Duplex | undefined;
  #late: NodeJS.Timeout | undefined;
  /** Bytes since the last packet. */
  #unread = 0;
  #heardAt: number | undefined;
  #ended = false;
  #settleClosed = (): void => {};

  /** @throws TypeError for a wrong `host`: here, because an error thrown under the SDK becomes uncaught. */
  constructor(options: TapOptions) {
    this.#options = options;
    this.#way = options.way ?? straight();
    this.attempt = this.#way.attempt;
    this.#url = new URL(`mqtts://${options.host}`);
    this.#pings = new Pings(options.pings ?? USUAL, this.#write, () => this.#break('ETIMEDOUT'));
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
  }

  /** Called by MqttBase. `key` and `cert` are the SDK's dummies (it insists on some) and are dropped here. */
  connect(_uri: string, { key: _key, cert: _cert, ...rest }: IClientOptions): mqtt.Client {
    const { pings = USUAL, apiVersion } = this.#options;
    const client = new mqtt.Client(() => this.#dial(), {
      ...rest,
      ...(apiVersion !== undefined && { username: `${rest.username}`.replace(API_VERSION, `$1${apiVersion}`) }),
      reconnectPeriod: 0,
      resubscribe: false,
      keepalive: Math.ceil(pings.promisedMs / 1_000),
    });
    // CONNECT is written. mqtt 4.3.8 reads it again at CONNACK, and sends no pings for 0.
    client.options.keepalive = 0;
    client.on('packetreceive', (packet) => this.#see(packet, client));
    client.on('packetsend', (packet) => {
      this.#pings.sent();
      if (packet.cmd === 'disconnect') this.isLeft = true;
      if (packet.cmd === 'publish') this.#options.sent?.(packet);
    });
    // mqtt 4.3.8 hands on errors of the stream and of the parser as 'error', which throws without a listener: MqttBase removes
    // its listeners while it closes. After an error of the parser it reads nothing more.
    client.on('error', () => {
      if (this.attempt.phase === 'connected') this.#break('EPROTO');
    });
    return client;
  }

  /** Time since the last packet of the server, in milliseconds; undefined before the first. */
  get silentMs(): number | undefined {
    return this.#heardAt === undefined ? undefined : performance.now() - this.#heardAt;
  }

  /** Ends the connection at once, after earlier writes have been sent. The SDK hears nothing more. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.asked.close();
    const [tls, stream] = [this.#tls, this.#stream];
    if (tls === undefined || stream === undefined) {
      this.#way.socket?.destroy();
      this.#settleClosed();
    } else if (tls.destroyed || this.attempt.phase !== 'connected') tls.destroy();
    else {
      // `admit` may end the connection: the PUBACK of its PUBLISH goes first.
      process.nextTick(() => {
        stream.end(DISCONNECT);
        if (stream === tls) tls.destroySoon();
      });
      this.#late = setTimeout(() => tls.destroy(), FLUSH_MS);
    }
  }

  #dial(): Duplex {
    // The SDK dials again by itself when it polls or publishes after a drop. That is the decision of our caller.
    if (this.#ended || this.#stream !== undefined) return new PassThrough().destroy();
    const { attempt } = this;
    const { port, socket, within, overtaken } = this.#way;
    const host = this.#url.hostname.replace(/^\[|\]$/g, '');
    const far = { host, port: Number(this.#url.port || port), ...(socket && { socket }) };
    const tls = this.#options.connector.connect(far);
    this.#tls = tls;
    tls.setNoDelay(true);
    // mqtt writes CONNECT at once. With a write under way Node reports every failure of the handshake, a signature of the
    // token among them, as EPROTO instead of the error of OpenSSL and its library.
    tls.cork();
    tls.once('connect', () => {
      attempt.phase = 'tls';
    });
    // A hub that asks for the certificate by renegotiation (TLS 1.2) makes Node emit it again.
    tls.once('secureConnect', () => {
      if (within === undefined) attempt.phase = 'connack';
      tls.uncork();
    });
    const note = (error: NodeJS.ErrnoException) => {
      attempt.error ??= error;
      if (error.code !== undefined) attempt.socketError ??= error.code;
    };
    tls.on('error', note);
    // It may have ended while it was not in use, and TLS over it would say nothing until the time is up.
    if (socket?.destroyed) tls.destroy(Object.assign(new Error('it has ended'), { code: 'ECONNRESET' }));
    const stream = within === undefined ? tls : within(tls, this.#options.host);
    this.#stream = stream;
    if (stream !== tls) stream.on('error', note);
    // Of the inner stream: a CONNACK may still be on its way through it when TLS has closed.
    stream.once('close', () => {
      tls.destroy();
      clearTimeout(this.#late);
      this.quiet = this.#pings.end();
      this.asked.close();
      this.#settleClosed();
    });
    stream.on('data', ({ length }: Buffer) => {
      this.#pings.heard();
      this.#unread += length;
      if (this.#unread > LARGEST_PACKET) this.#break('EMSGSIZE');
    });
    const { connectMs } = this.#options;
    const late = Object.assign(new Error(`no CONNACK within ${connectMs} ms`), { code: 'ETIMEDOUT' });
    this.#late = setTimeout(() => tls.destroy(late), connectMs);
    overtaken?.addEventListener('abort', () => attempt.phase === 'tcp' && tls.destroy(late));
    return stream;
  }

  /** MQTT 3.1.1 section 4.8: a protocol violation ends the connection. mqtt 4.3.8 would wait for a packet that never comes. */
  #break(code: string): void {
    this.#tls?.destroy(Object.assign(new Error('the server breaks MQTT'), { code }));
  }

  #see(packet: Packet, client: mqtt.Client): void {
    this.#unread = 0;
    this.#heardAt = performance.now();
    const isSecond = packet.cmd === 'connack' && this.attempt.connack !== undefined;
    const isOdd = packet.cmd === 'publish' && ![0, 1, 2].includes(packet.qos);
    if (isSecond || isOdd || !BY_SERVERS.has(packet.cmd)) this.#break('EPROTO');
    else if (packet.cmd === 'connack') {
      clearTimeout(this.#late);
      this.attempt.connack = packet.returnCode ?? 0;
      this.attempt.phase = packet.returnCode === 0 ? 'connected' : 'refused';
      if (packet.returnCode === 0 && !this.#ended) {
        this.#pings.begin();
        this.asked.open(client);
      }
    } else if (packet.cmd === 'publish') {
      const { qos, messageId = 0 } = packet;
      const wasEnded = this.#ended;
      const admitted = !wasEnded && this.#options.admit(packet);
      // A message that is not looked at stays with the server.
      if (qos === 1 && !wasEnded) this.#acknowledgements.owe(messageId, admitted);
      // Nothing waits for it, and a rejection without a listener would end the process.
      else if (typeof admitted === 'object') admitted.catch(() => {});
      // mqtt 4.3.8 emits this event before it acts on the packet. No listener of the SDK matches an empty topic.
      if (admitted !== true) Object.assign(packet, { topic: '', payload: '' });
      // It would send the PUBACK at once, before those that wait.
      if (qos === 1) packet.qos = 0;
    }
  }
}
