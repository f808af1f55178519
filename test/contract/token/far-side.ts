import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect, createServer, type SecureContext, type SecureVersion, type Server } from 'node:tls';
import type { Authority } from './authority.ts';

/** A far side that demands a client certificate, and says whose it saw. */
export async function farSide({ ca, server }: Authority): Promise<Server> {
  const far = createServer({ ...server, ca, requestCert: true, rejectUnauthorized: true }, (socket) => {
    const { serialNumber } = socket.getPeerCertificate();
    socket.end(serialNumber);
  });
  // The client is told about a failed handshake as well, and the test judges it there.
  far.on('tlsClientError', () => undefined);
  far.listen(0, '127.0.0.1');
  await once(far, 'listening');
  return far;
}

/** Connects, and returns the serial number of the leaf that the far side saw. */
export async function dial(far: Server, secureContext: SecureContext, version: SecureVersion): Promise<string> {
  const { port } = far.address() as AddressInfo;
  const versions = { minVersion: version, maxVersion: version };
  return text(connect({ host: '127.0.0.1', port, servername: 'localhost', secureContext, ...versions }));
}
