import { certificatesFrom } from './answer.ts';
import { readAuthorities } from './authorities.ts';
import { type Bootstrap, bootstrapWith } from './bootstrap.ts';
import { authoritiesRequest, basicOf, enrolment } from './enrolment.ts';
import { exchange } from './exchange.ts';
import { readNamed } from './named-file.ts';

export interface Trial {
  readonly url: string;
  /** PEM file. */
  readonly caFile: string;
  readonly username?: string | undefined;
  readonly passwordFile?: string | undefined;
  /** An identity in the token is not tried. */
  readonly bootstrap?: Bootstrap | undefined;
}

const DEADLINE_MS = 15_000;

const untried = async (): Promise<undefined> => undefined;

/**
 * Asks an EST server for its CAs, and whether it knows us, without requesting a certificate.
 * @returns whether the server was asked if it knows us
 * @throws Fault NL-EST-…; NL-CONFIG where a file cannot be read
 */
export async function tryEst({ url, caFile, username = '', passwordFile, bootstrap }: Trial): Promise<boolean> {
  const ca = await readAuthorities('issuer.est.ca_file', caFile);
  const signal = AbortSignal.timeout(DEADLINE_MS);
  await certificatesFrom('cacerts', await exchange({ ...authoritiesRequest(url), tls: { ca }, signal }));
  const secureContext = bootstrap && (await bootstrapWith(bootstrap, ca, untried));
  if (username === '' && secureContext === undefined) return false;
  const password = passwordFile === undefined ? '' : await readNamed('issuer.est.password_file', passwordFile);
  const request = enrolment(url, 'simpleenroll', username === '' ? undefined : basicOf(username, password));
  const reply = await exchange({ ...request, tls: secureContext === undefined ? { ca } : { secureContext }, signal });
  // Any other answer is about the request, which is empty.
  if (reply.status === 401 || reply.status === 403) await certificatesFrom('simpleenroll', reply);
  return true;
}
