import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { createServer, type SecureVersion } from 'node:tls';
import type { TlsConnector } from './connector.ts';
import { tokenErrorOf } from './engine.ts';
import { standIn } from './stand-in.ts';

const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
/** Only the token can be slow: a module may need ten seconds for each call. */
const REHEARSAL_MS = 60_000;

/**
 * A TLS handshake that shows the leaf to a server of our own, which verifies the signature of its key. At each version: an RSA
 * key signs by PKCS#1 in the one, and by PSS in the other, which not every module can.
 * @returns the versions that worked: stunnel goes down to TLS 1.2 with an RSA key that cannot do PSS
 * @throws TokenError; Error where it fails otherwise
 */
export async function rehearse(
  connectorFor: (version: SecureVersion, ca: string) => Promise<TlsConnector>,
): Promise<readonly string[]> {
  const stand = standIn();
  const worked = new Set<string>();
  for (const version of VERSIONS) {
    try {
      worked.add(await handshake(await connectorFor(version, stand.cert), stand));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw tokenErrorOf(error) ?? new Error(`${version}: ${why}`, { cause: error });
    }
  }
  return [...worked];
}

async function handshake(connector: TlsConnector, { host, ...identity }: ReturnType<typeof standIn>): Promise<string> {
  const signal = AbortSignal.timeout(REHEARSAL_MS);
  const server = createServer({ ...identity, requestCert: true, rejectUnauthorized: false });
  server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening', { signal });
  const { port } = server.address() as AddressInfo;
  const shown = once(server, 'secureConnection', { signal });
  shown.catch(() => undefined);
  const client = connector.connect({ host, port, socket: connect(port, '127.0.0.1') });
  client.on('error', () => undefined);
  try {
    await once(client, 'secureConnect', { signal });
    await shown;
    return client.getProtocol() ?? '';
  } finally {
    client.destroy();
    server.close();
  }
}
