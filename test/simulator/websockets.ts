import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { Caller, DoorOptions } from './door.ts';
import { presentedBy } from './presented.ts';

/** Connections that speak MQTT go to the same caller as those of the door. */
export type WebSocketsOptions = Pick<
  DoorOptions,
  'name' | 'log' | 'faults' | 'switches' | 'nextConnection' | 'onCaller'
>;

const PATH = /^\/\$iothub\/websocket(\?|$)/;
const NOT_FOUND = 404;

/** MQTT in WebSockets, as DPS and hubs have it on port 443. */
export class WebSockets {
  readonly #options: WebSocketsOptions;
  readonly #http = createServer((_, response) => response.writeHead(NOT_FOUND).end());
  readonly #sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false),
  });

  constructor(options: WebSocketsOptions) {
    this.#options = options;
    this.#http.on('upgrade', (request, socket, head) => void this.upgrade(request, socket as TLSSocket, head));
  }

  /** A TLS connection on which HTTP is spoken. */
  accept(caller: Caller): void {
    this.#http.emit('connection', caller.socket);
  }

  /** A request for WebSockets, on a connection of any server. */
  async upgrade(request: IncomingMessage, socket: TLSSocket, head: Buffer): Promise<void> {
    const { name, log, faults, switches, nextConnection, onCaller } = this.#options;
    const connection = nextConnection();
    socket.on('error', () => socket.destroy());
    const fault = faults.take(name, 'websocket-status', connection);
    const status = fault?.status ?? (fault ? 302 : PATH.test(request.url ?? '') ? 101 : NOT_FOUND);
    if (status !== 101) {
      const more = status === 302 ? 'Location: http://portal.example/login\r\n' : '';
      const page = 'Content-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n';
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${more}${page}\r\n`);
      return;
    }
    const isAsked = switches.webSocketCertificate === 'renegotiation' && socket.getProtocol() === 'TLSv1.2';
    if (isAsked && !(await renegotiated(socket))) return;
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const presented = presentedBy(socket);
      log.add(name, 'websocket', { connection, thumbprint: presented?.thumbprint ?? '' });
      const stream = createWebSocketStream(webSocket);
      stream.on('error', () => stream.destroy());
      onCaller({ socket: Object.assign(stream, { destroySoon: () => stream.end() }), connection, presented });
    });
  }
}

/** Asks for the client's certificate after the request, which TLS 1.2 can (RFC 5246 section 7.4.1.1). */
const renegotiated = (socket: TLSSocket): Promise<boolean> =>
  new Promise((resolve) => {
    socket.once('close', () => resolve(false));
    socket.renegotiate({ requestCert: true, rejectUnauthorized: false }, (error) => resolve(error === null));
  });
