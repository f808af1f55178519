import type { IssuerChoice } from '../../config/config.ts';
import { plainCause } from '../../failure/cause.ts';
import { Fault } from '../../failure/failure.ts';
import { toldBy } from '../../issuer/answer.ts';
import { authoritiesRequest, enrolment } from '../../issuer/enrolment.ts';
import { basicOf } from '../../network/basic.ts';
import type { Site } from '../proof/site.ts';
import { currentLeaf, type Finding, failed, faultOf, ofLeaf, ok, skipped, warning, x509 } from './check.ts';
import { closedTo } from './closed.ts';
import { reach } from './reach.ts';

type EstChoice = Extract<IssuerChoice, { kind: 'est' }>;

const HTTPS = 443;
/** Of the server's words, in characters: it may send a page. */
const MOST_TOLD = 100;
const WRONG_PATH = 'Check the path and the label in issuer.est.url.';

/** Name, TCP, TLS and trust; then the CA certificates, which an EST server gives without authentication (RFC 7030 section 4.1). */
async function askAuthorities(site: Site, { url, ca_file: caFile }: EstChoice): Promise<Finding> {
  const { host, hostname, port } = new URL(url);
  const server = { side: 'EST', host: `${hostname}:${port || HTTPS}`, named: 'issuer.est.url' } as const;
  const reached = await reach(site, { ...server, caFile, caSetting: 'issuer.est.ca_file' });
  if (reached.outcome !== 'ok') return reached;
  const ca = await site.authorities('issuer.est.ca_file', caFile);
  const request = authoritiesRequest(url);
  const reply = await site.exchange(request, ca, 'none').catch(refusal);
  if (reply === 'refused') return ok(`${host} is trusted, and speaks only to clients with a certificate.`);
  if (reply.status !== 200) return answeredWith(reply.status, request.url);
  return ok(`${host} is trusted, and gives its CA certificates.`);
}

/** To a request without CSR, such an answer is about the server; of the others, 4xx is about the request. */
const isOfServer = (status: number): boolean =>
  (status >= 300 && status < 400) || status === 404 || status === 405 || status >= 500;

/** The server is ill, or has no EST at this place. */
function answeredWith(status: number, url: string): Finding {
  const answers = `${new URL(url).host} answers HTTP ${status} under ${url}.`;
  if (status >= 500) return failed('NL-EST-SERVER', answers, 'Operator of the CA: look at its log.');
  return failed('NL-EST-REFUSED', answers, WRONG_PATH);
}

/** A server may want a client certificate even for public answers. */
function refusal(error: unknown): 'refused' {
  if (error instanceof Fault && error.failure.code === 'NL-EST-AUTH') return 'refused';
  throw error;
}

type Way = keyof typeof WAYS;

const WAYS = {
  leaf: { what: 'the current leaf', advice: 'Operator of the CA: is the issuer of the leaf still allowed to renew?' },
  bootstrap: { what: 'the bootstrap identity', advice: 'Check issuer.est.bootstrap_cert and bootstrap_key.' },
  password: { what: 'user name and password', advice: 'Check issuer.est.username and password_file.' },
} as const;

/** How the next leaf may be asked for, in the order of agent/issuer/est.ts: an issuer that refuses the leaf is asked again. */
async function waysOf(site: Site, { bootstrap_key, password_file }: EstChoice): Promise<readonly Way[]> {
  const leaf = await currentLeaf(site);
  const first = bootstrap_key !== undefined ? 'bootstrap' : 'password';
  return [
    ...(leaf !== undefined && leaf.notAfter > site.now ? (['leaf'] as const) : []),
    ...(bootstrap_key !== undefined || password_file !== undefined ? ([first] as const) : []),
  ];
}

/** Asks for a leaf with our credentials and an empty request: a server judges the credentials before the request. */
async function askToEnrol(site: Site, choice: EstChoice, way: Way): Promise<Finding> {
  const { username, password_file = '' } = choice;
  const ca = await site.authorities('issuer.est.ca_file', choice.ca_file);
  const isNamed = way !== 'leaf' && username !== '';
  const password = isNamed ? await site.text('issuer.est.password_file', password_file) : '';
  const operation = way === 'leaf' ? 'simplereenroll' : 'simpleenroll';
  const request = enrolment(choice.url, operation, isNamed ? basicOf(username, password) : undefined);
  const { host } = new URL(choice.url);
  const { what, advice } = WAYS[way];
  const reply = await site.exchange(request, ca, way === 'password' ? 'none' : way).catch(refusal);
  if (reply === 'refused') {
    return failed('NL-EST-AUTH', `${host} does not accept ${what} in the TLS handshake.`, advice);
  }
  const { status } = reply;
  if (status === 401 || status === 403) {
    const told = plainCause(toldBy(reply)).slice(0, MOST_TOLD);
    return failed('NL-EST-AUTH', `${host} does not accept ${what} (HTTP ${status}${told && `: ${told}`}).`, advice);
  }
  if (isOfServer(status)) return answeredWith(status, request.url);
  return ok(`${host} accepts ${what}: to a request without CSR, HTTP ${status} is its answer.`);
}

async function auth(site: Site): Promise<Finding> {
  const { issuer } = await x509(site);
  if (issuer.kind === 'azure') return (await import('./onboarding.ts')).onboarding(site, issuer);
  if (issuer.kind !== 'est') return skipped('Only an EST server gets credentials.');
  const ways = await waysOf(site, issuer).catch(faultOf);
  // A fault of the state file has a line of its own, and so has the key below.
  if (ways instanceof Fault) return skipped('needs state-file');
  const [way, other] = ways;
  if (way === undefined) {
    const advice = 'Set username and password_file, or a bootstrap identity, under [issuer.est].';
    return failed('NL-EST-AUTH', 'There is no valid leaf, and nothing else to enrol with.', advice);
  }
  const isUsable = way !== 'leaf' || (await site.rehearse().then(yes, no));
  if (!isUsable) return skipped('needs tls-handshake');
  const found = await askToEnrol(site, issuer, way);
  if (found.code !== 'NL-EST-AUTH' || other === undefined) return found;
  const otherwise = await askToEnrol(site, issuer, other);
  if (otherwise.outcome !== 'ok') return found;
  return warning(`${found.message} Until then other credentials work: ${otherwise.message}`, found.advice ?? '');
}

const yes = () => true;
const no = () => false;

/** Only a run would show more, and a run asks for a leaf. */
async function program(site: Site, file: string): Promise<Finding> {
  const { access, closedOn, user } = site;
  try {
    await access(file, 'execute');
    return ok(`${file} can be run.`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      const advice = 'Install the program, or correct issuer.command.argv.';
      return failed('NL-CMD-UNCONFIGURED', `There is no ${file}.`, advice);
    }
    if (code !== 'EACCES') throw error;
    if (user !== undefined && closedOn(file)?.isPassage) return closedTo(user, site, file, 'NL-CMD-UNCONFIGURED');
    const whose = user === undefined ? 'This user' : `The user ${user}`;
    const advice = `\`chmod 0755 ${file}\`. The file system must not be mounted noexec.`;
    return failed('NL-CMD-UNCONFIGURED', `${whose} may not run ${file}.`, advice);
  }
}

export const ISSUER_CHECKS = ofLeaf([
  {
    id: 'issuer-reach',
    describes: 'The issuer of leaves is there.',
    needs: ['configuration'],
    async look(site) {
      const { issuer } = await x509(site);
      if (issuer.kind === 'est') return askAuthorities(site, issuer);
      if (issuer.kind === 'command') return program(site, issuer.argv[0] ?? '');
      if (issuer.kind === 'azure') return ok('DPS and the hub issue the leaves.');
      const by = issuer.kind === 'inbox' ? 'by the inbox or by hand' : 'over the hub';
      return ok(`Leaves are signed elsewhere, and delivered ${by}.`);
    },
  },
  {
    id: 'issuer-auth',
    describes: 'The EST server, or DPS where Azure issues, accepts the credentials of newleaf.',
    needs: ['issuer-reach'],
    look: auth,
  },
]);
