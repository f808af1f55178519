import { readAuthorities, readNamed } from '../machine/named-file.ts';
import { basicOf } from '../network/basic.ts';
import { certificatesFrom } from './answer.ts';
import { type Bootstrap, bootstrapWith } from './bootstrap.ts';
import { authoritiesRequest, enrolment } from './enrolment.ts';
import { type EstSettings, inTime } from './est.ts';
import { exchange, type HttpsRequest } from './exchange.ts';

export interface Trial extends Pick<EstSettings, 'url' | 'caFile' | 'through'> {
  readonly username?: string | undefined;
  readonly passwordFile?: string | undefined;
  /** An identity in the token is not tried. */
  readonly bootstrap?: Bootstrap | undefined;
}

/** For each of the two requests: on a line of 2 s there and back one takes 6 s, and 10 s more where packets are lost. */
const DEADLINE_MS = 25_000;

const untried = async (): Promise<undefined> => undefined;

/**
 * Asks an EST server for its CAs, and whether it knows us, without requesting a certificate.
 * @returns whether the server was asked if it knows us
 * @throws Fault NL-EST-…; NL-CONFIG where a file cannot be read
 */
export async function tryEst(trial: Trial, now: () => number, deadlineMs = DEADLINE_MS): Promise<boolean> {
  const { url, caFile, through, username = '', passwordFile, bootstrap } = trial;
  const ca = await readAuthorities('issuer.est.ca_file', caFile);
  const ask = (request: Pick<HttpsRequest, 'method' | 'url' | 'tls'>) =>
    inTime(url, deadlineMs, (signal) => exchange({ ...request, through, signal }));
  const authorities = await ask({ ...authoritiesRequest(url), tls: { ca } });
  await certificatesFrom('cacerts', authorities, now());
  const identity = bootstrap && (await bootstrapWith(bootstrap, ca, untried));
  if (username === '' && identity === undefined) return false;
  const password = passwordFile === undefined ? '' : await readNamed('issuer.est.password_file', passwordFile);
  const request = enrolment(url, 'simpleenroll', username === '' ? undefined : basicOf(username, password));
  const tls = identity ?? { ca };
  const reply = await ask({ ...request, tls });
  // Any other answer is about the request, which is empty.
  if (reply.status === 401 || reply.status === 403) await certificatesFrom('simpleenroll', reply, now());
  return true;
}
