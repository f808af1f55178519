import { type Request, under } from './exchange.ts';

/** What is asked of an EST server; by which TLS, and how long, is for the caller to say. */
export type Errand = Omit<Request, 'tls' | 'signal'>;

export type Operation = 'simpleenroll' | 'simplereenroll';

/** For the CA certificates, which every EST server gives to everybody (RFC 7030 section 4.1). */
export function authoritiesRequest(url: string, maxBytes: number): Errand {
  return { method: 'GET', url: under(url, 'cacerts'), maxBytes };
}

/** @param body base64, with a line end: libest 3.2.0 answers 400 to base64 in one line without one */
export function enrolment(
  url: string,
  operation: Operation,
  body: string,
  { authorization, maxBytes }: { readonly authorization?: string | undefined; readonly maxBytes: number },
): Errand {
  return {
    method: 'POST',
    url: under(url, operation),
    headers: {
      'Content-Type': 'application/pkcs10',
      'Content-Transfer-Encoding': 'base64',
      ...(authorization !== undefined && { Authorization: authorization }),
    },
    body,
    maxBytes,
  };
}

/** HTTP Basic. @param password as its file has it: one line end is cut off */
export const basicOf = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password.replace(/\r?\n$/, '')}`).toString('base64')}`;
