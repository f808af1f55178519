import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import { tokenErrorOf } from '../../../../hsm/engine.ts';
import { place, reachServer, Unreached, whyUnreached } from '../dial.ts';
import type { Shaken } from './questions.ts';

const WAIT_MS = 10_000;
/** For all addresses of the name: 10 s for each of three (dialling.ts). */
const REACH_MS = 30_000;
/** A server that is silent for so long waits for our next message. */
const VERDICT_MS = 5_000;

/**
 * A TLS handshake that shows our certificate, and nothing after it: without CONNECT, the daemon's session with this server
 * goes on undisturbed.
 * @param host `host` or `host:port`; the port is 8883 without it
 * @throws TokenError where our own key is at fault
 */
export async function shake(host: string, secureContext: SecureContext): Promise<Shaken> {
  const { name, port } = place(host);
  try {
    const socket = await reachServer(name, [name], port, REACH_MS);
    const tls = connect({ socket, host: name, servername: isIP(name) ? '' : name, secureContext });
    tls.on('error', () => undefined);
    try {
      await once(tls, 'secureConnect', { signal: AbortSignal.timeout(WAIT_MS) });
      return await verdict(tls);
    } finally {
      tls.destroy();
      socket.destroy();
    }
  } catch (error) {
    const local = tokenErrorOf(error);
    if (local !== undefined) throw local;
    return { verdict: 'refused', reason: error instanceof Unreached ? error.message : whyUnreached(error) };
  }
}

/**
 * The server's judgement of our certificate. In TLS 1.2 the end of the handshake is the judgement. In TLS 1.3 a refusal comes
 * as an alert afterwards, and a ticket "after it has received the client Finished message" (RFC 8446 section 4.6.1), so after
 * the certificate was accepted.
 */
async function verdict(tls: TLSSocket): Promise<Shaken> {
  const protocol = tls.getProtocol() ?? 'TLS';
  if (protocol !== 'TLSv1.3') return { verdict: 'taken', protocol };
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, AbortSignal.timeout(VERDICT_MS)]);
  const closed = once(tls, 'close', { signal }).then(() => {
    throw new Error('no reason is given');
  });
  try {
    await Promise.race([once(tls, 'session', { signal }), closed]);
    return { verdict: 'taken', protocol };
  } catch (error) {
    if (!signal.aborted) throw error;
    return { verdict: 'silent', protocol };
  } finally {
    closed.catch(() => undefined);
    done.abort();
  }
}
