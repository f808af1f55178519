import type { IssuerChoice } from '../../config/config.ts';
import { Fault } from '../../failure/failure.ts';
import { authoritiesRequest, basicOf, enrolment } from '../../issuer/enrolment.ts';
import { currentLeaf, type Finding, failed, ok, skipped } from './check.ts';
import { reach } from './reach.ts';
import type { Site } from './site.ts';

export type EstChoice = Extract<IssuerChoice, { kind: 'est' }>;

const HTTPS = 443;
const WRONG_PATH = 'Check the path and the label in issuer.est.url.';

const hostOf = ({ url }: EstChoice): string => new URL(url).host;

/** Name, TCP, TLS and trust; then the CA certificates, which an EST server gives without authentication (RFC 7030 section 4.1). */
export async function askAuthorities(site: Site, choice: EstChoice): Promise<Finding> {
  const { hostname, port } = new URL(choice.url);
  const reached = await reach(site, {
    host: `${hostname}:${port || HTTPS}`,
    named: 'issuer.est.url',
    caFile: choice.ca_file,
    caSetting: 'issuer.est.ca_file',
    unreachable: 'NL-EST-UNREACHABLE',
    untrusted: 'NL-EST-UNTRUSTED',
  });
  if (reached.outcome !== 'ok') return reached;
  const ca = await site.authorities('issuer.est.ca_file', choice.ca_file);
  const request = authoritiesRequest(choice.url);
  const host = hostOf(choice);
  const reply = await site.exchange(request, ca, 'none').catch(refusal);
  if (reply === 'refused') return ok(`${host} is trusted, and speaks only to clients with a certificate.`);
  const { status } = reply;
  if (status === 200) return ok(`${host} is trusted, and gives its CA certificates.`);
  const answers = `${host} answers HTTP ${status} under ${request.url}.`;
  if (status >= 500) return failed('NL-EST-SERVER', answers, 'Operator of the CA: look at its log.');
  return failed('NL-EST-REFUSED', answers, WRONG_PATH);
}

/** A server may want a client certificate even for public answers. */
function refusal(error: unknown): 'refused' {
  if (error instanceof Fault && error.failure.code === 'NL-EST-AUTH') return 'refused';
  throw error;
}

/** How the next leaf may be asked for, in the order of agent/issuer/est.ts: an issuer that refuses the leaf is asked again. */
export async function waysOf(site: Site, choice: EstChoice): Promise<readonly Way[]> {
  const leaf = await currentLeaf(site);
  const first = choice.bootstrap_key !== undefined ? 'bootstrap' : 'password';
  return [
    ...(leaf !== undefined && leaf.notAfter > site.now ? (['leaf'] as const) : []),
    ...(choice.bootstrap_key !== undefined || choice.password_file !== undefined ? ([first] as const) : []),
  ];
}

export type Way = 'leaf' | 'bootstrap' | 'password';

const WAYS: Readonly<Record<Way, { readonly what: string; readonly advice: string }>> = {
  leaf: { what: 'the current leaf', advice: 'Operator of the CA: is the issuer of the leaf still allowed to renew?' },
  bootstrap: { what: 'the bootstrap identity', advice: 'Check issuer.est.bootstrap_cert and bootstrap_key.' },
  password: { what: 'user name and password', advice: 'Check issuer.est.username and password_file.' },
};

/** Asks for a leaf with our credentials and an empty request: a server judges the credentials before the request. */
export async function askToEnrol(site: Site, choice: EstChoice, way: Way): Promise<Finding> {
  const { username, password_file = '' } = choice;
  const ca = await site.authorities('issuer.est.ca_file', choice.ca_file);
  const isNamed = way !== 'leaf' && username !== '';
  const password = isNamed ? await site.text('issuer.est.password_file', password_file) : '';
  const operation = way === 'leaf' ? 'simplereenroll' : 'simpleenroll';
  const request = enrolment(choice.url, operation, isNamed ? basicOf(username, password) : undefined);
  const host = hostOf(choice);
  const { what, advice } = WAYS[way];
  const reply = await site.exchange(request, ca, way === 'password' ? 'none' : way).catch(refusal);
  if (reply === 'refused') {
    return failed('NL-EST-AUTH', `${host} does not accept ${what} in the TLS handshake.`, advice);
  }
  const { status } = reply;
  if (status === 401 || status === 403) {
    return failed('NL-EST-AUTH', `${host} does not accept ${what} (HTTP ${status}).`, advice);
  }
  if (status === 404 || status === 405) {
    return failed('NL-EST-REFUSED', `${host} answers HTTP ${status} under ${request.url}.`, WRONG_PATH);
  }
  const said = `to a request without CSR, HTTP ${status}`;
  if (status >= 500) return skipped(`${host} answered ${said}, which says nothing about our credentials.`);
  return ok(`${host} accepts ${what}: ${said} is its answer.`);
}
