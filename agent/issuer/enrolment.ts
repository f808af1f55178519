import { type HttpsRequest, under } from './exchange.ts';

/** A request to an EST server; the caller adds TLS and deadline. */
export type Errand = Omit<HttpsRequest, 'tls' | 'signal'>;

export type EstOperation = 'simpleenroll' | 'simplereenroll';

/** An empty SEQUENCE: no certification request, so no server can issue anything for it. */
const NOTHING = 'MAA=\n';

/** For the CA certificates, which an EST server gives without authentication (RFC 7030 section 4.1). */
export const authoritiesRequest = (url: string): Errand => ({ method: 'GET', url: under(url, 'cacerts') });

/**
 * Without a body it tests our credentials alone: a server refuses unknown ones (401, RFC 7030 section 3.2.3) before it looks
 * at the request: libest 3.2.0 does it in that order.
 * @param body base64, with a line end: libest 3.2.0 answers 400 to base64 in one line without one
 */
export function enrolment(url: string, operation: EstOperation, authorization?: string, body = NOTHING): Errand {
  const headers = { 'Content-Type': 'application/pkcs10', 'Content-Transfer-Encoding': 'base64' };
  return {
    method: 'POST',
    url: under(url, operation),
    headers: { ...headers, ...(authorization !== undefined && { Authorization: authorization }) },
    body,
  };
}
