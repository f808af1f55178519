import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { connect, TLSSocket } from 'node:tls';
import type { Far } from '../../../hsm/connector.ts';
import { httpsRequest } from '../../network/https.ts';
import type { Through } from '../../network/through.ts';
import { timeLimit } from '../../time/limited.ts';

/** The time of a server, from the header `Date` (RFC 9110 section 6.6.1). */
export interface ServerTime {
  /** Wall clock of the server, in milliseconds, precise to a second. */
  readonly at: number;
  /** Wall clock of this gateway at that moment, in milliseconds. */
  readonly here: number;
  /** Name of the server. */
  readonly from: string;
  /** The server's certificate is valid and trusted. With a wrong clock it cannot be: the certificate is not valid at our time. */
  readonly isProven: boolean;
}

/** An https URL, its CAs in PEM, and what connects to it where a proxy is in between. */
export type TimeServer = Readonly<Record<'url' | 'ca', string>> & {
  readonly through?: Through;
};

/** Node's error codes for a server whose only fault may be our clock. */
export const BY_CLOCK: readonly string[] = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'];

/**
 * The time of the first server that answers; undefined where none does within `waitMs` milliseconds. TLS 1.3 and MQTT tell no
 * time, HTTP does. None of our certificates is shown.
 */
export async function serverTime(servers: readonly TimeServer[], waitMs = 8_000): Promise<ServerTime | undefined> {
  const signal = timeLimit(waitMs);
  return Promise.any(servers.map((server) => ask(server, signal))).catch(() => undefined);
}

async function ask({ url, ca, through }: TimeServer, signal: AbortSignal): Promise<ServerTime> {
  // Whether the server is trusted is judged below.
  const begin = (far: Far) =>
    connect({ ...far, servername: isIP(far.host) ? '' : far.host, ca, rejectUnauthorized: false });
  const asked = httpsRequest(url, { method: 'HEAD', signal }, begin, through);
  asked.on('error', () => undefined).end();
  try {
    const [response] = (await once(asked, 'response', { signal })) as [IncomingMessage];
    const here = Date.now();
    const at = Date.parse(response.headers.date ?? '');
    const { socket } = response;
    if (Number.isNaN(at) || !(socket instanceof TLSSocket)) throw new Error('it tells no time');
    const isProven = socket.authorized;
    // A portal or proxy may tell any time.
    if (!isProven && !BY_CLOCK.includes(String(socket.authorizationError))) throw new Error('it is not trusted');
    return { at, here, from: new URL(url).host, isProven };
  } finally {
    asked.destroy();
  }
}
