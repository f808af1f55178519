import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Calls after so many milliseconds, unless the function that it returns is called before. */
export type After = (ms: number, call: () => void) => () => void;

/** Of each there is a descriptor: a program that never closes its own must not take those of state file, token and hub. */
const MOST_CONNECTIONS = 64;

/** The request of a command is complete as soon as it is connected. */
const PATIENCE_MS = 10_000;

const later: After = (ms, call) => {
  const timer = setTimeout(call, ms);
  timer.unref();
  return () => clearTimeout(timer);
};

/**
 * Keeps the socket open for whoever comes next: a connection has ten seconds until its request is complete, and where there
 * are too many, the oldest makes room, first of those that have not said what they want. node's own limits would do neither:
 * `maxConnections` turns away the newest, and `headersTimeout` is looked at in intervals, which wake an idle daemon.
 */
export function guard(server: Server, after: After = later): void {
  /** Both in the order in which they came. */
  const asking = new Map<Socket, () => void>();
  const answered = new Set<Socket>();

  const forget = (socket: Socket) => {
    asking.get(socket)?.();
    asking.delete(socket);
    answered.delete(socket);
  };
  const close = (socket: Socket) => {
    forget(socket);
    socket.destroy();
  };
  const listen = (socket: Socket) => {
    forget(socket);
    asking.set(
      socket,
      after(PATIENCE_MS, () => close(socket)),
    );
  };

  server.on('connection', (socket: Socket) => {
    const [oldest] = [...asking.keys(), ...answered];
    if (oldest !== undefined && asking.size + answered.size >= MOST_CONNECTIONS) close(oldest);
    listen(socket);
    socket.once('close', () => forget(socket));
  });
  server.on('request', (request, response) => {
    const { socket, headers } = request;
    const complete = () => {
      if (!asking.has(socket)) return;
      forget(socket);
      answered.add(socket);
    };
    const hasBody = 'transfer-encoding' in headers || Number(headers['content-length'] ?? 0) > 0;
    if (hasBody) request.once('end', complete);
    else complete();
    // The next request on the same connection has its own ten seconds.
    response.once('close', () => {
      if (!socket.destroyed) listen(socket);
    });
  });
}
