import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { Fault } from '../roll/failure.ts';
import { certificatesFrom } from './answer.ts';
import { exchange } from './exchange.ts';

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

/**
 * Asks an EST server for its CAs, and whether it knows us, without having anything signed: an enrolment with an empty
 * request. Who is not known is told so (401, RFC 7030 section 3.2.3) before the request is looked at, as libest 3.2.0 does.
 * @returns whether the server was asked if it knows us
 * @throws Fault NL-EST-…; NL-CONFIG where a file cannot be read
 */
export async function tryEst({ url, caFile, username, passwordFile, bootstrap }: Trial): Promise<boolean> {
  const ca = await read('issuer.est.ca_file', caFile);
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const under = (operation: string) => `${url.replace(/\/+$/, '')}/${operation}`;
  const asked = { maxBytes: LARGEST_ANSWER, signal };
  await certificatesFrom('cacerts', await exchange({ ...asked, method: 'GET', url: under('cacerts'), tls: { ca } }));
  const password = passwordFile === undefined ? undefined : await read('issuer.est.password_file', passwordFile);
  const secureContext = bootstrap && (await identity(bootstrap.certificate, bootstrap.key, ca));
  if (!username && secureContext === undefined) return false;
  const basic = `${username}:${(password ?? '').replace(/\r?\n$/, '')}`;
  const reply = await exchange({
    ...asked,
    method: 'POST',
    url: under('simpleenroll'),
    headers: {
      'Content-Type': 'application/pkcs10',
      'Content-Transfer-Encoding': 'base64',
      ...(username && { Authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
    },
    body: '\n',
    tls: secureContext === undefined ? { ca } : { secureContext },
  });
  // What else it says is about the request, which is none.
  if (reply.status === 401 || reply.status === 403) await certificatesFrom('simpleenroll', reply);
  return true;
}

async function identity(certificate: string, key: string, ca: string): Promise<SecureContext> {
  const cert = await read('issuer.est.bootstrap_cert', certificate);
  return createSecureContext({ ca, cert, key: await read('issuer.est.bootstrap_key', key), minVersion: 'TLSv1.2' });
}

async function read(setting: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new Fault('NL-CONFIG', { message: `${setting}: ${file} cannot be read.`, cause });
  }
}
