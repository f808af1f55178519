import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { connect, type SecureContext, type SecureVersion, TLSSocket } from 'node:tls';
import { tokenErrorOf } from '../../../../hsm/engine.ts';

const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
const WAIT_MS = 15_000;

/**
 * A TLS handshake of the leaf with itself, without a network: both ends show it and prove its key, so every step that needs
 * the token runs twice. At each version: an RSA key signs by PKCS#1 in the one, and by PSS in the other, which not every
 * module can.
 * @throws TokenError; Error where it fails otherwise
 */
export async function rehearse(context: (version: SecureVersion) => Promise<SecureContext>): Promise<void> {
  for (const version of VERSIONS) {
    try {
      await handshake(await context(version));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw tokenErrorOf(error) ?? new Error(`${version}: ${why}`, { cause: error });
    }
  }
}

async function handshake(secureContext: SecureContext): Promise<void> {
  const [near, far] = duplexPair();
  // This tests the key, and a leaf is no server certificate: trust is not checked.
  const server = new TLSSocket(far, { isServer: true, secureContext, requestCert: true, rejectUnauthorized: false });
  const client = connect({ socket: near, secureContext, rejectUnauthorized: false });
  // When one end fails, the other fails later, when its listener is gone.
  for (const end of [server, client]) end.on('error', () => undefined);
  const signal = AbortSignal.timeout(WAIT_MS);
  try {
    await Promise.all([once(server, 'secure', { signal }), once(client, 'secureConnect', { signal })]);
  } finally {
    for (const end of [server, client]) end.destroy();
  }
}
