import type { IncomingHttpHeaders } from 'node:http';
import { certificatesIn } from '../certificate/pkcs7.ts';
import { type Code, Fault } from '../failure/failure.ts';

export interface HttpsReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body was longer than maxBytes. */
  readonly cut: boolean;
}

/**
 * The certificates in the answer of an EST server, DER, at least one, in the order given. Throws `Fault`: NL-EST-WAIT (202),
 * -AUTH (401, 403), -SERVER (5xx), -REFUSED (3xx, other 4xx), -BODY (no certificate response). Retry-After is kept.
 * @param now milliseconds since the epoch
 */
export async function certificatesFrom(operation: string, reply: HttpsReply, now: number): Promise<Buffer[]> {
  if (reply.status !== 200) throw refusal(operation, reply, now);
  return issued(reply);
}

const unfit = (message: string, cause?: unknown): Fault => new Fault('NL-EST-BODY', { message, cause });

/** RFC 7030 section 4.2.3: "a certs-only CMC Simple PKI Response", base64 with line breaks anywhere (RFC 8951). */
async function issued({ headers, body, cut }: HttpsReply): Promise<Buffer[]> {
  const type = headers['content-type'] ?? 'none';
  if (!/^application\/pkcs7-mime\s*(;|$)/i.test(type)) {
    throw unfit(`Expected the content type application/pkcs7-mime; got ${type}.`);
  }
  if (cut) throw unfit(`The answer of the EST server is longer than ${body.length} bytes.`);
  const base64 = body.toString('latin1').replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw unfit('The answer of the EST server is not base64.');
  const certificates = await certificatesIn(Buffer.from(base64, 'base64')).catch((cause: unknown) => {
    throw unfit('The answer of the EST server is no PKCS#7.', cause);
  });
  if (certificates.length === 0) throw unfit('The answer of the EST server holds no certificate.');
  return certificates;
}

function refusal(operation: string, { status, headers, body }: HttpsReply, now: number): Fault {
  const told = toldBy({ headers, body });
  const retryAfterMs = retryAfter(now, headers['retry-after']);
  return new Fault(codeOf(status), {
    message: `The EST server answered ${operation} with ${status}.`,
    ...(status === 404 && { advice: 'Check issuer.est.url: there is no EST server at this path.' }),
    ...(told && { cause: told }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** The words of a server that has not done what was asked. */
export const toldBy = ({ headers, body }: Pick<HttpsReply, 'headers' | 'body'>): string =>
  headers.location ?? headers['www-authenticate'] ?? body.toString('utf8').replace(/\s+/g, ' ').trim();

function codeOf(status: number): Code {
  if (status === 202) return 'NL-EST-WAIT';
  if (status === 401 || status === 403) return 'NL-EST-AUTH';
  if (status >= 500) return 'NL-EST-SERVER';
  // A redirect is refused: to another origin it needs the approval of a user (RFC 7030 section 3.2.1), and there is none here
  return status >= 300 ? 'NL-EST-REFUSED' : 'NL-EST-BODY';
}

/** Milliseconds; RFC 9110 section 10.2.3 has two forms, seconds and a date in GMT. Undefined for anything else. */
function retryAfter(now: number, value = ''): number | undefined {
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const moment = value.endsWith(' GMT') ? Date.parse(value) : Number.NaN;
  return Number.isNaN(moment) ? undefined : Math.max(moment - now, 0);
}
