import { createSecureContext, type SecureContext } from 'node:tls';
import { certificatesFrom } from './answer.ts';
import { readAuthorities } from './authorities.ts';
import { exchange, type Request, under } from './exchange.ts';
import { readNamed } from './named-file.ts';

export interface Trial {
  readonly url: string;
  /** PEM file. */
  readonly caFile: string;
  readonly username?: string | undefined;
  readonly passwordFile?: string | undefined;
  /** PEM files of a bootstrap identity; one in a token is not tried. */
  readonly bootstrap?: { readonly certificate: string; readonly key: string } | undefined;
}

const DEADLINE_MS = 15_000;
const LARGEST_ANSWER = 256 * 1024;

/** An empty SEQUENCE: no certification request, so no server can issue anything for it. */
const NOTHING = 'MAA=\n';

type Errand = Omit<Request, 'tls' | 'signal'>;

/** Asks for the CA certificates, which every EST server gives to everybody (RFC 7030 section 4.1). */
export function authoritiesRequest(url: string): Errand {
  return { method: 'GET', url: under(url, 'cacerts'), maxBytes: LARGEST_ANSWER };
}

/**
 * Asks for a leaf with our credentials and a request that holds none. Who is not known is told so (401, RFC 7030 section
 * 3.2.3) before the request is looked at: libest 3.2.0 does it in that order.
 * @param password without its line end; an empty user name sends none
 */
export function emptyEnrolment(
  url: string,
  operation: 'simpleenroll' | 'simplereenroll',
  { username, password }: { readonly username: string; readonly password: string },
): Errand {
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  return {
    method: 'POST',
    url: under(url, operation),
    headers: {
      'Content-Type': 'application/pkcs10',
      'Content-Transfer-Encoding': 'base64',
      ...(username !== '' && { Authorization: `Basic ${basic}` }),
    },
    body: NOTHING,
    maxBytes: LARGEST_ANSWER,
  };
}

/**
 * Asks an EST server for its CAs, and whether it knows us, without having anything signed.
 * @returns whether the server was asked if it knows us
 * @throws Fault NL-EST-…; NL-CONFIG where a file cannot be read
 */
export async function tryEst({ url, caFile, username = '', passwordFile, bootstrap }: Trial): Promise<boolean> {
  const ca = await readAuthorities('issuer.est.ca_file', caFile);
  const signal = AbortSignal.timeout(DEADLINE_MS);
  await certificatesFrom('cacerts', await exchange({ ...authoritiesRequest(url), tls: { ca }, signal }));
  const secureContext = bootstrap && (await identity(bootstrap.certificate, bootstrap.key, ca));
  if (username === '' && secureContext === undefined) return false;
  const password = passwordFile === undefined ? '' : await readNamed('issuer.est.password_file', passwordFile);
  const request = emptyEnrolment(url, 'simpleenroll', { username, password: password.replace(/\r?\n$/, '') });
  const reply = await exchange({ ...request, tls: secureContext === undefined ? { ca } : { secureContext }, signal });
  // What else it says is about the request, which is none.
  if (reply.status === 401 || reply.status === 403) await certificatesFrom('simpleenroll', reply);
  return true;
}

async function identity(certificate: string, key: string, ca: string): Promise<SecureContext> {
  const cert = await readNamed('issuer.est.bootstrap_cert', certificate);
  return createSecureContext({
    ca,
    cert,
    key: await readNamed('issuer.est.bootstrap_key', key),
    minVersion: 'TLSv1.2',
  });
}
