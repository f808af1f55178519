import { type IncomingMessage, request } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { type Code, Fault } from '../failure/failure.ts';
import { readNamed } from '../machine/named-file.ts';
import { timeLimit } from '../time/limited.ts';
import { basicOf } from './basic.ts';
import { portal } from './portal.ts';
import { quoted } from './quoted.ts';

/** The settings of the proxy, as the configuration names them. */
export interface ProxySettings {
  /** `http://host:port` */
  readonly proxy: string;
  readonly proxy_username: string;
  readonly proxy_password_file?: string | undefined;
}

const PORT = 80;
const LONGEST_MS = 30_000;
/** What the codes of node's parser begin with. */
const NO_HTTP = 'HPE_';

/**
 * A TCP connection to `host` and `port` through the proxy (CONNECT, RFC 9110 section 9.3.6).
 * @throws Fault NL-NETWORK-…; NL-CONFIG where the password cannot be read; the reason of the abort
 */
export async function tunnel(
  settings: ProxySettings,
  host: string,
  port: number,
  abort: AbortSignal,
  longestMs = LONGEST_MS,
): Promise<Socket> {
  const proxy = new URL(settings.proxy);
  const place = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const authorization = await credentials(settings);
  const late = timeLimit(longestMs);
  const asked = request({
    method: 'CONNECT',
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: Number(proxy.port || PORT),
    path: place,
    headers: { Host: place, ...(authorization && { 'Proxy-Authorization': authorization }) },
    agent: false,
    signal: AbortSignal.any([abort, late]),
  });
  let isConnected = false;
  asked.once('socket', (socket) => {
    socket.once('connect', () => {
      isConnected = true;
    });
  });
  try {
    const { answer, socket } = await new Promise<Answered>((resolve, reject) => {
      asked.once('connect', (answer, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve({ answer, socket });
      });
      asked.on('error', reject).end();
    });
    const refusal = refused(answer, proxy.host, place, authorization);
    if (refusal === undefined) return socket;
    socket.destroy();
    throw refusal;
  } catch (error) {
    abort.throwIfAborted();
    if (error instanceof Fault) throw error;
    // It may wait for the far side longer than we do (squid: connect_timeout, a minute), and has said nothing of itself.
    if (isConnected && late.aborted) throw silent(proxy.host, place);
    throw unreached(proxy.host, isConnected, late.aborted ? undefined : error);
  }
}

interface Answered {
  readonly answer: IncomingMessage;
  readonly socket: Socket;
}

/** Read at each attempt: a person may correct it meanwhile. */
async function credentials({ proxy_username: name, proxy_password_file: file }: ProxySettings) {
  if (name === '' || file === undefined) return undefined;
  return basicOf(name, await readNamed('network.proxy_password_file', file));
}

/** @param sent user name and password, where it was told them */
function refused({ statusCode = 0, headers }: IncomingMessage, proxy: string, place: string, sent: string | undefined) {
  const page = portal(statusCode, headers, `The proxy ${proxy}`, sent);
  if (page !== undefined) return page;
  if (statusCode >= 200 && statusCode < 300) return undefined;
  const { 'proxy-authenticate': challenges } = headers;
  const met = (code: Code, message: string) =>
    new Fault(code, { message, cause: challenges && quoted(challenges, sent) });
  if (statusCode === 407) {
    const schemes = schemesOf(challenges);
    if (schemes.length > 0 && !schemes.includes('basic')) return noBasic(proxy, quoted(schemes.join(', '), sent));
    const what = sent !== undefined ? 'does not accept user name and password' : 'wants a user name and a password';
    return met('NL-NETWORK-PROXY-AUTH', `The proxy ${proxy} ${what} (HTTP 407).`);
  }
  const how = statusCode >= 500 ? 'does not get through' : 'does not let newleaf through';
  return met('NL-NETWORK-PROXY-REFUSED', `The proxy ${proxy} ${how} to ${place} (HTTP ${statusCode}).`);
}

/** The schemes of all challenges, in lower case (RFC 9110 section 11.6.1): a scheme stands first, and is no `name=value`. */
const schemesOf = (challenges = ''): readonly string[] =>
  [...challenges.replace(/"(\\.|[^"\\])*"/g, '').matchAll(/(?:^|,)\s*([\w-]+)(?=\s*(?:,|$)|\s+[^\s=])/g)].map(
    ([, scheme = '']) => scheme.toLowerCase(),
  );

const noBasic = (proxy: string, schemes: string): Fault =>
  new Fault('NL-NETWORK-PROXY-AUTH', {
    message: `The proxy ${proxy} wants a login that newleaf does not have (HTTP 407): newleaf has Basic only.`,
    cause: schemes,
    advice: 'Operator of the proxy: allow Basic for this gateway, or let it through without a login.',
  });

const silent = (proxy: string, place: string): Fault =>
  new Fault('NL-NETWORK-PROXY-REFUSED', {
    message: `The proxy ${proxy} accepts the connection, and gives no answer for ${place}.`,
    cause: 'ETIMEDOUT',
  });

/** @param error undefined where the time was up */
function unreached(proxy: string, isConnected: boolean, error: unknown): Fault {
  const isNoHttp = error instanceof Error && 'code' in error && String(error.code).startsWith(NO_HTTP);
  const ended = isNoHttp
    ? 'answers with something that is no HTTP'
    : 'accepts the connection, and ends it without an answer';
  const what = isConnected ? ended : 'cannot be reached';
  // Of a name with several addresses the error is an AggregateError, whose own message is empty.
  const cause = error instanceof AggregateError ? error.errors.map(({ message }) => message).join('; ') : error;
  return new Fault('NL-NETWORK-PROXY', { message: `The proxy ${proxy} ${what}.`, cause: cause ?? 'ETIMEDOUT' });
}
