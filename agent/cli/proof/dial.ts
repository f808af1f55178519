import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { codeInWords, plainly } from '../../failure/cause.ts';
import { isUnanswered } from '../../mqtt/attempt.ts';
import { MQTTS } from '../../mqtt/way.ts';
import { hostAndPort } from '../../network/network.ts';
import { timeLimit } from '../../time/limited.ts';

/** How far a connection got, and what its server showed. */
export interface Dialled {
  readonly address: string;
  readonly port: number;
  /** CN or organisation of the issuer of the server's certificate. */
  readonly issuer: string;
  /** Why the server is not trusted, as the code of OpenSSL or node; undefined where it is. */
  readonly distrust?: string;
}

export class Unreached extends Error {
  override readonly name = 'Unreached';
  readonly stage: 'dns' | 'tcp' | 'tls';
  readonly port: number;
  /** The name has IPv6 addresses only, and none of them can be reached from here. */
  readonly isIpv6Only: boolean;

  constructor(stage: Unreached['stage'], message: string, port: number, cause: unknown, isIpv6Only = false) {
    super(message, { cause });
    this.stage = stage;
    this.port = port;
    this.isIpv6Only = isIpv6Only;
  }

  /** The port has answered, with a TLS alert for example: the daemon tries no other port. */
  get isAnswer(): boolean {
    const { code = '' } = (this.cause ?? {}) as NodeJS.ErrnoException;
    return this.stage === 'tls' && !isUnanswered({ phase: 'tls', socketError: code === LATE ? 'ETIMEDOUT' : code });
  }
}

/** node's code for a wait that was cut short by our own time limit. */
const LATE = 'ABORT_ERR';

/** The daemon has 30 s for a connection, and 10 s for each address (dialling.ts). */
const MOST_TRIED = 3;

/** A connection through the proxy; undefined where there is none. @throws Fault NL-NETWORK-… */
export type Proxied = (name: string, port: number) => Promise<Socket | undefined>;

/**
 * Name, TCP and TLS up to the judgement of the server's certificate, each by itself. None of our certificates is shown.
 * @param host `host` or `host:port`; the port is 8883 without it
 * @param ca PEM
 * @param waitMs for each of the three, and each address, in milliseconds
 * @throws Unreached; Fault NL-NETWORK-…
 */
export async function dial(
  host: string,
  ca: string,
  waitMs = 10_000,
  proxied: Proxied = async () => undefined,
): Promise<Dialled> {
  const { name, port } = hostAndPort(host, MQTTS);
  const through = await proxied(name, port);
  const socket = through ?? (await reachServer(name, await resolve(name, port), port, waitMs));
  const address = `${socket.remoteAddress ?? name}${through ? ' (the proxy)' : ''}`;
  const tls = connectTls({ socket, ca, host: name, servername: isIP(name) ? '' : name, rejectUnauthorized: false });
  try {
    await once(tls, 'secureConnect', { signal: timeLimit(waitMs) });
    const judged = tls.authorized ? {} : { distrust: String(tls.authorizationError) };
    return { address, port, issuer: issuerOf(tls), ...judged };
  } catch (cause) {
    throw new Unreached('tls', `${address} port ${port} answers, but TLS fails: ${whyUnreached(cause)}`, port, cause);
  } finally {
    tls.destroy();
    socket.destroy();
  }
}

async function resolve(name: string, port: number): Promise<readonly string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch (cause) {
    throw new Unreached('dns', `The name ${name} cannot be resolved: ${whyUnreached(cause)}`, port, cause);
  }
}

/**
 * A TCP connection.
 * @param addresses of the name
 * @param waitMs for each address, in milliseconds
 * @throws Unreached
 */
export async function reachServer(
  name: string,
  addresses: readonly string[],
  port: number,
  waitMs: number,
): Promise<Socket> {
  // As the daemon does: one address after the other (RFC 8305), since a gateway may have IPv6 in DNS only.
  const socket = connectTcp({ host: name, port, autoSelectFamily: true });
  try {
    await once(socket, 'connect', { signal: timeLimit(waitMs * Math.min(MOST_TRIED, addresses.length)) });
    return socket;
  } catch (cause) {
    socket.destroy();
    // A hosts file may name an address twice.
    const tried = [...new Set(addresses)].join(' or ');
    // A server that refuses the connection has been reached.
    const { code } = cause as NodeJS.ErrnoException;
    const isIpv6Only = code !== 'ECONNREFUSED' && isIP(name) === 0 && addresses.every((address) => isIP(address) === 6);
    const message = `${tried} port ${port} cannot be reached: ${whyUnreached(cause)}`;
    throw new Unreached('tcp', message, port, cause, isIpv6Only);
  }
}

/** Not by getPeerCertificate(): on Node 24.21 it ends the process for a key on secp256k1 (certificate/name.ts). */
function issuerOf(tls: TLSSocket): string {
  const issuer = tls.getPeerX509Certificate()?.issuer ?? '';
  return (/^CN=(.*)$/m.exec(issuer) ?? /^O=(.*)$/m.exec(issuer))?.[1] ?? 'unknown';
}

/** An error of the system or of OpenSSL, as the end of a sentence. */
export function whyUnreached(cause: unknown): string {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const words = codeInWords(code);
  if (words === undefined) return `${plainly(message)}.`;
  return code === LATE ? `${words}.` : `${words} (${code}).`;
}
