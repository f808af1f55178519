import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** How a proxy answers CONNECT, in place of letting the client through. */
export interface ProxyFault {
  /** No answer at all. */
  readonly hang?: true;
  /** Only for this port. */
  readonly port?: number;
  /** 403, 407, 502; 302 with a login page; 200 with HTML. */
  readonly status?: number;
  readonly html?: true;
}

/** An HTTP proxy on 127.0.0.1 that knows CONNECT only. */
export class HttpProxy implements AsyncDisposable {
  /** How it behaves: as it should, unless a test says otherwise. */
  fault: ProxyFault | undefined;
  /** Where clients wanted to go, and what they got. */
  readonly asked: { readonly to: string; readonly status: number; readonly authorization: string | undefined }[] = [];
  readonly #credentials: string | undefined;
  readonly #server = createServer((_, response) => response.writeHead(405).end());
  readonly #sockets = new Set<Duplex>();

  private constructor(credentials: string | undefined) {
    this.#credentials = credentials;
    this.#server.on('connect', (request, socket, head) => this.#connect(request, socket as Socket, head));
    this.#server.on('connection', (socket) => this.#keep(socket));
  }

  /** @param credentials `name:password`, where it asks for them */
  static async start(credentials?: string): Promise<HttpProxy> {
    const proxy = new HttpProxy(credentials);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connect({ url = '', headers }: IncomingMessage, socket: Socket, head: Buffer): void {
    const { hostname: host, port } = new URL(`tcp://${url}`);
    const authorization = headers['proxy-authorization'];
    const isKnown =
      this.#credentials === undefined || authorization === `Basic ${Buffer.from(this.#credentials).toString('base64')}`;
    const { fault } = this;
    const acts = fault !== undefined && (fault.port === undefined || fault.port === Number(port));
    const status = acts ? (fault.status ?? 0) : isKnown ? 200 : 407;
    this.asked.push({ to: url, status, authorization });
    if (acts && fault.hang) return;
    if (acts || !isKnown) return void socket.end(answer(status, fault?.html === true));
    const far = this.#keep(connect({ host: host.replace(/^\[|\]$/g, ''), port: Number(port), noDelay: true }));
    far.once('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.write(head);
      far.pipe(socket).pipe(far);
    });
    far.once('error', () => socket.end(answer(502, false)));
    far.once('close', () => socket.destroy());
    socket.once('close', () => far.destroy());
  }

  #keep<T extends Duplex>(socket: T): T {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    return socket;
  }
}

function answer(status: number, isHtml: boolean): string {
  const more = [
    ...(status === 407 ? ['Proxy-Authenticate: Basic realm="factory"'] : []),
    ...(status === 302 ? ['Location: http://portal.example/login'] : []),
    ...(isHtml ? ['Content-Type: text/html'] : []),
  ];
  return `${[`HTTP/1.1 ${status} So`, ...more].join('\r\n')}\r\n\r\n${isHtml ? '<html>Please log in</html>' : ''}`;
}
