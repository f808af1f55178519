import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { TlsConnector, TlsStream } from '../../../hsm/connector.ts';
import { tokenErrorOf } from '../../../hsm/engine.ts';
import { MQTTS } from '../../mqtt/way.ts';
import { hostAndPort } from '../../network/network.ts';
import { timeLimit } from '../../time/limited.ts';
import { type Proxied, reachServer, Unreached, whyUnreached } from './dial.ts';

const WAIT_MS = 10_000;
/** For all addresses of the name: 10 s for each of three (dialling.ts). */
const REACH_MS = 30_000;
/** A server that is silent for so long waits for our next message. */
const VERDICT_MS = 5_000;

/** A server's judgement of our certificate. */
export interface Shaken {
  /** silent: the handshake is over, and the server has neither refused us nor gone on within five seconds. */
  readonly verdict: 'taken' | 'silent' | 'refused';
  readonly protocol?: string;
  /** Why it was refused. */
  readonly reason?: string;
}

/**
 * A TLS handshake that shows our certificate, and nothing after it: without CONNECT, the daemon's session with this server
 * goes on undisturbed.
 * @param host `host` or `host:port`; the port is 8883 without it
 * @throws TokenError where our own key is at fault
 */
export async function shake(host: string, connector: TlsConnector, proxied: Proxied): Promise<Shaken> {
  const { name, port } = hostAndPort(host, MQTTS);
  try {
    const socket = (await proxied(name, port)) ?? (await reachServer(name, [name], port, REACH_MS));
    const tls = connector.connect({ host: name, port, socket });
    const judged = verdict(tls);
    try {
      await once(tls, 'secureConnect', { signal: timeLimit(WAIT_MS) });
      const protocol = tls.getProtocol() ?? 'TLS';
      return { verdict: protocol === 'TLSv1.3' ? await withinTime(judged) : 'taken', protocol };
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
 * the certificate was accepted. Listens before the handshake, as both may be told in the turn in which that ends (stunnel.ts).
 */
function verdict(tls: TlsStream): Promise<'taken'> {
  const judged = new Promise<'taken'>((taken, refused) => {
    tls.once('session', () => taken('taken')).on('error', refused);
    tls.once('close', () => refused(new Error('no reason is given')));
  });
  judged.catch(() => undefined);
  return judged;
}

async function withinTime(judged: Promise<'taken'>): Promise<'taken' | 'silent'> {
  const done = new AbortController();
  const silent = pause(VERDICT_MS, 'silent' as const, { signal: done.signal });
  silent.catch(() => undefined);
  try {
    return await Promise.race([judged, silent]);
  } finally {
    done.abort();
  }
}
