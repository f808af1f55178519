import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** Its connections to the server come from this address, so that a rule can tell them from those of the gateway. */
export const DRIP_FROM = '127.0.0.2';

/** Stands before a server, and lets through a few bytes of what it says, every tenth of a second. What the client says goes at once. */
export async function drip(t: TestContext, to: number, bytes: number): Promise<{ readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const far = connect({ port: to, host: '127.0.0.1', localAddress: DRIP_FROM, noDelay: true });
    let held = Buffer.alloc(0);
    const pass = () => {
      if (held.length > 0) client.write(held.subarray(0, bytes));
      held = held.subarray(bytes);
    };
    const timer = setInterval(pass, 100);
    far.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
    });
    client.pipe(far);
    const end = () => {
      clearInterval(timer);
      client.destroy();
      far.destroy();
    };
    for (const socket of [client, far]) {
      sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port };
}
