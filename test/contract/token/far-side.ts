import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { createServer, type Server } from 'node:tls';
import type { TlsConnector } from '../../../hsm/connector.ts';
import type { Authority } from './authority.ts';

/** A far side that demands a client certificate, and says in which version it saw whose. */
export async function farSide({ ca, server }: Pick<Authority, 'ca' | 'server'>): Promise<Server> {
  const far = createServer({ ...server, ca, requestCert: true, rejectUnauthorized: true }, (socket) => {
    const { serialNumber } = socket.getPeerCertificate();
    socket.on('error', () => undefined).end(`${socket.getProtocol()} ${serialNumber}`);
  });
  // The client is told about a failed handshake as well, and the test judges it there.
  far.on('tlsClientError', () => undefined);
  far.listen(0, '127.0.0.1');
  await once(far, 'listening');
  return far;
}

/** Connects, and returns the version and the serial number of the leaf that the far side saw. */
export async function dial(far: Server, connector: TlsConnector): Promise<string> {
  const { port } = far.address() as AddressInfo;
  return text(connector.connect({ host: 'localhost', port, socket: connect(port, '127.0.0.1') }));
}
