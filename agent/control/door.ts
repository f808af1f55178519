import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type After, later } from '../time/after.ts';

/** Each has a descriptor: a program that never closes its connections must leave some for state file, token and hub. */
const MOST_CONNECTIONS = 64;

/** A command sends its whole request as soon as it is connected. */
const PATIENCE_MS = 10_000;

/**
 * Keeps the socket open for the next client: a connection has ten seconds to complete its request, and where there are too
 * many, the oldest is closed, first of those without a complete request. node's own limits do neither: `maxConnections` turns
 * away the newest, and `headersTimeout` is checked at intervals, which wake an idle daemon.
 */
export function guard(server: Server, after: After = later): void {
  /** Both in the order of arrival. */
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
