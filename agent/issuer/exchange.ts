import type { ClientRequest, IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import { connectorOf, type TlsConnector } from '../../hsm/connector.ts';
import { type Code, Fault } from '../failure/failure.ts';
import { httpsRequest } from '../network/https.ts';
import { quoted } from '../network/quoted.ts';
import type { Through } from '../network/through.ts';
import { timeLimit } from '../time/limited.ts';
import type { HttpsReply } from './answer.ts';

export interface HttpsRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The CAs that may vouch for the server (PEM), or what trusts them and shows our certificate as well. */
  readonly tls: { readonly ca: string } | TlsConnector;
  /** A longer body is cut. */
  readonly maxBytes?: number | undefined;
  /** Where a proxy may be in between. */
  readonly through?: Through | undefined;
  readonly signal: AbortSignal;
}

const LARGEST_ANSWER = 256 * 1024;
/** What the codes of node's parser begin with. */
const NO_HTTP = 'HPE_';

/** The URL of an operation of an EST server (RFC 7030 section 3.2.2). */
export const under = (url: string, operation: string): string => `${url.replace(/\/+$/, '')}/${operation}`;

/**
 * Sends one request over a connection of its own. Redirects are not followed, the body is never longer than maxBytes, and words
 * that repeat our credentials are left out.
 * Throws the reason of an abort; otherwise `Fault`: NL-EST-UNTRUSTED, NL-EST-UNREACHABLE, NL-EST-BODY where the answer is no
 * HTTP, and NL-EST-AUTH where a TLS alert says that our certificate is refused. (In TLS 1.3 the alert can be lost: the server
 * resets the connection on which our request is under way already. That is NL-EST-UNREACHABLE.)
 * TokenError where stunnel cannot use the key in the token.
 */
export async function exchange(asking: HttpsRequest): Promise<HttpsReply> {
  const { method, url, headers = {}, body, tls, maxBytes = LARGEST_ANSWER, through, signal } = asking;
  const connector = 'ca' in tls ? connectorOf(createSecureContext({ ca: tls.ca })) : tls;
  const asked = httpsRequest(url, { method, headers, signal }, (far) => connector.connect(far), through);
  try {
    const response = await answered(asked, body);
    const { statusCode: status = 0, headers: told } = response;
    const reply = { status, headers: told, ...(await read(response, maxBytes)) };
    return headers.Authorization === undefined ? reply : withoutEcho(reply, headers.Authorization);
  } catch (error) {
    signal.throwIfAborted();
    throw fault(url, error, isUntrusted(asked.socket));
  } finally {
    asked.destroy();
  }
}

/** The work with a server, or NL-EST-UNREACHABLE where it takes longer than `ms`. @throws the reason of `abort` */
export async function inTime<T>(
  url: string,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  abort?: AbortSignal,
): Promise<T> {
  const deadline = timeLimit(ms);
  try {
    return await work(abort === undefined ? deadline : AbortSignal.any([abort, deadline]));
  } catch (error) {
    abort?.throwIfAborted();
    if (error instanceof Fault || !deadline.aborted) throw error;
    throw new Fault('NL-EST-UNREACHABLE', { message: `${new URL(url).host} did not finish within ${ms / 1000} s.` });
  }
}

/** A beginning of the credentials that is too short to be known may end a body that was cut: each character in `&#x00e9;`. */
const UNKNOWN_END = 64;

/** An issued certificate is left as it is. @param sent as for `quoted` */
function withoutEcho(reply: HttpsReply, sent: string): HttpsReply {
  const each = (value?: string | string[]) =>
    typeof value === 'string' ? quoted(value, sent) : value?.map((one) => quoted(one, sent));
  const headers = Object.fromEntries(Object.entries(reply.headers).map(([name, value]) => [name, each(value)]));
  if (reply.status === 200) return { ...reply, headers };
  const text = reply.body.toString();
  const words = quoted(text, sent);
  const isCut = reply.cut && words === text;
  return { ...reply, headers, body: Buffer.from(isCut ? words.slice(0, -UNKNOWN_END) : words) };
}

const answered = (asked: ClientRequest, body: string | undefined): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    // HTTP 101 is neither a response nor an error: node closes the connection, and the signal ends nothing more.
    const switched = () => reject(Object.assign(new Error('it switches to another protocol'), { code: NO_HTTP }));
    asked.once('response', resolve).on('error', reject).once('close', switched).end(body);
  });

async function read(response: IncomingMessage, maxBytes: number): Promise<{ body: Buffer; cut: boolean }> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) return { body: Buffer.concat(chunks).subarray(0, maxBytes), cut: true };
  }
  return { body: Buffer.concat(chunks), cut: false };
}

/** node keeps its verdict on the server's certificate here; the error itself has one of dozens of codes. */
const isUntrusted = (socket: unknown): boolean =>
  socket instanceof Duplex && 'authorizationError' in socket && Boolean(socket.authorizationError);

/**
 * TLS alerts about our certificate, by number: bad, unsupported, revoked, expired, unknown, unknown CA, access denied, a signature
 * that is not by its key, required (RFC 8446 section 6.2). The number is in the message only: `code` is EPROTO where the alert
 * meets a write, and OpenSSL 3.5 (Node 24) has renamed the reasons in the other codes.
 */
const OUR_CERTIFICATE = new Set([42, 43, 44, 45, 46, 48, 49, 51, 116]);

const refusesUs = (cause: unknown): boolean =>
  OUR_CERTIFICATE.has(Number(/SSL alert number (\d+)/.exec(cause instanceof Error ? cause.message : '')?.[1]));

/** By its name: the error of stunnel, which meets the token in the handshake only (hsm/ckr.ts). */
const isOfToken = (cause: unknown): cause is Error => cause instanceof Error && cause.name === 'TokenError';

function fault(url: string, cause: unknown, untrusted: boolean): Error {
  const { host } = new URL(url);
  if (cause instanceof Fault || (isOfToken(cause) && !refusesUs(cause))) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const met = (kind: Code, message: string) => new Fault(kind, { message, cause });
  if (untrusted) return met('NL-EST-UNTRUSTED', `The certificate of ${host} is not trusted.`);
  if (refusesUs(cause)) return met('NL-EST-AUTH', `${host} refuses our certificate in the TLS handshake.`);
  if (code.startsWith(NO_HTTP)) return met('NL-EST-BODY', `${host} answered with something that is no HTTP.`);
  // a name with several addresses fails with an AggregateError, whose own message is empty
  const each = cause instanceof AggregateError ? cause.errors.map(({ message }) => message).join('; ') : cause;
  return new Fault('NL-EST-UNREACHABLE', { message: `${host} cannot be reached.`, cause: each });
}
