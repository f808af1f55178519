import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createSecureContext, createServer, type SecureVersion, type TLSSocket } from 'node:tls';
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
      worked.add((await handshake(await connectorFor(version, stand.cert), stand)).version);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw tokenErrorOf(error) ?? new Error(`${version}: ${why}`, { cause: error });
    }
  }
  return [...worked];
}

/**
 * The same handshake, in which OpenSSL judges the chain that is shown, as that of a client.
 * @param anchor PEM of the certificate that the server trusts: the topmost one of the chain
 * @returns Node's code for what OpenSSL does not accept; undefined where it accepts the chain
 * @throws TokenError; Error where it fails otherwise: then nothing is judged
 */
export async function judgedChain(
  connectorFor: (ca: string) => Promise<TlsConnector>,
  anchor: string,
): Promise<string | undefined> {
  const stand = standIn();
  try {
    return (await handshake(await connectorFor(stand.cert), stand, anchor)).verdict;
  } catch (error) {
    throw tokenErrorOf(error) ?? error;
  }
}

async function handshake(connector: TlsConnector, { host, ...identity }: ReturnType<typeof standIn>, anchor?: string) {
  const signal = AbortSignal.timeout(REHEARSAL_MS);
  const server = createServer({ ...identity, requestCert: true, rejectUnauthorized: false });
  if (anchor !== undefined) {
    // Node 20.20.2 takes this option for a context, and not for a server.
    server.addContext(host, createSecureContext({ ...identity, ca: anchor, allowPartialTrustChain: true }));
  }
  // In the abstract namespace (unix(7)), as lo may have no IPv4, and a disk no room.
  const path = `\0newleaf-${randomUUID()}`;
  server.on('tlsClientError', () => undefined).listen(path);
  await once(server, 'listening', { signal });
  const shown = once(server, 'secureConnection', { signal });
  const client = connector.connect({ host, port: 0, socket: connect(path) });
  // In TLS 1.3 the server says only after the end of the handshake that it does not accept the signature.
  const cut = once(client, 'close', { signal }).then(() => {
    throw new Error('the handshake was cut');
  });
  for (const one of [shown, cut]) one.catch(() => undefined);
  try {
    await once(client, 'secureConnect', { signal });
    const [socket] = (await Promise.race([shown, cut])) as [TLSSocket];
    if (socket.getPeerX509Certificate() === undefined) throw new Error('no certificate was shown');
    const { authorizationError: verdict } = socket;
    return { version: client.getProtocol() ?? '', verdict: verdict ? String(verdict) : undefined };
  } finally {
    client.on('error', () => undefined).destroy();
    server.close();
  }
}
