import type { TlsConnector } from '../../hsm/connector.ts';
import { blocksOf, certificatePem, wrapped } from '../certificate/pem.ts';
import { Fault } from '../failure/failure.ts';
import { readAuthorities, readNamed } from '../machine/named-file.ts';
import { basicOf } from '../network/basic.ts';
import type { Issuer } from '../roll/ports.ts';
import { certificatesFrom } from './answer.ts';
import { explained } from './csrattrs.ts';
import { authoritiesRequest, type EstOperation, enrolment } from './enrolment.ts';
import { exchange, type HttpsRequest, inTime, under } from './exchange.ts';

export interface EstSettings extends Pick<HttpsRequest, 'through'> {
  /** With any path segments and label, without the operation: `https://ca.example.com/.well-known/est`. */
  readonly url: string;
  /** PEM file with the CAs that may vouch for the server; read at each request. */
  readonly caFile: string;
  readonly username?: string;
  /** Read at each request; one line end is cut off. */
  readonly passwordFile?: string;
  /** TLS connector with the current leaf, its token key and these CAs (PEM); undefined where there is no usable leaf. */
  readonly clientConnector?: (ca: string) => Promise<TlsConnector | undefined>;
  /** The same with the bootstrap identity: instead of a password, or beside it. */
  readonly bootstrapConnector?: (ca: string) => Promise<TlsConnector>;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** For the whole of one attempt, in milliseconds. */
  readonly deadlineMs: number;
  /** The longest answer that is read, instead of the default of exchange.ts. */
  readonly maxBytes?: number;
}

/**
 * Enrolment over Secure Transport (RFC 7030): `simplereenroll` by mutual TLS with the current leaf, `simpleenroll` with HTTP
 * Basic or a bootstrap identity where there is none, or where the server refuses it (an expired leaf fails in TLS).
 *
 * `issue` throws the reason of its abort signal, or `Fault`: NL-EST-…, and NL-CONFIG where a file cannot be read.
 */
export function createEst(settings: EstSettings): Issuer {
  return {
    issue: (csrPem, abort) =>
      inTime(settings.url, settings.deadlineMs, (signal) => enrol(settings, csrPem, signal), abort),
  };
}

async function enrol(settings: EstSettings, csrPem: string, signal: AbortSignal): Promise<string> {
  const ca = await readAuthorities('issuer.est.ca_file', settings.caFile);
  const issued = await certified(settings, ca, csrPem, signal).catch(async (error: unknown) => {
    const { url, maxBytes, through } = settings;
    const asking = { method: 'GET', url: under(url, 'csrattrs'), tls: { ca }, maxBytes, through, signal } as const;
    throw await explained(error, asking);
  });
  // A successful answer contains "only the certificate that was issued" (RFC 7030 section 4.2.3); many servers send the
  // intermediates all the same, the others have them under /cacerts
  const issuers = issued.length === 1 ? await authorities(settings, ca) : [];
  return [...issued, ...issuers].map(certificatePem).join('');
}

async function certified(settings: EstSettings, ca: string, csrPem: string, signal: AbortSignal): Promise<Buffer[]> {
  const { url, now, maxBytes, through } = settings;
  const ask = async (operation: EstOperation, tls: HttpsRequest['tls'], authorization?: string) => {
    const errand = enrolment(url, operation, authorization, wrapped(requestIn(csrPem)));
    return certificatesFrom(operation, await exchange({ ...errand, tls, maxBytes, through, signal }), now());
  };
  const current = await settings.clientConnector?.(ca);
  if (current !== undefined) {
    try {
      return await ask('simplereenroll', current);
    } catch (error) {
      if (!hasFirstIdentity(settings) || !mayBeOurCertificate(error)) throw error;
    }
  }
  const authorization = await basic(settings);
  const bootstrap = await settings.bootstrapConnector?.(ca);
  return ask('simpleenroll', bootstrap ?? { ca }, authorization);
}

const hasFirstIdentity = ({ username, passwordFile, bootstrapConnector }: EstSettings): boolean =>
  bootstrapConnector !== undefined || (Boolean(username) && passwordFile !== undefined);

/** An alert that refuses our certificate can be lost in a connection reset (exchange.ts), hence the second code. */
const mayBeOurCertificate = (error: unknown): boolean =>
  error instanceof Fault && ['NL-EST-AUTH', 'NL-EST-UNREACHABLE'].includes(error.failure.code);

/**
 * The CA certificates of the server; none where it refuses, is slow or cannot be reached, or another server answers. The leaf is
 * there already, and may do without: at each further try the CA would issue another one.
 */
function authorities({ url, now, maxBytes, through, deadlineMs }: EstSettings, ca: string): Promise<readonly Buffer[]> {
  const asked = async (signal: AbortSignal) => {
    const reply = await exchange({ ...authoritiesRequest(url), tls: { ca }, maxBytes, through, signal });
    return certificatesFrom('cacerts', reply, now());
  };
  return inTime(url, Math.ceil(deadlineMs / 6), asked).catch((error: unknown) => {
    if (error instanceof Fault) return [];
    throw error;
  });
}

function requestIn(csrPem: string): Buffer {
  const [request] = blocksOf(csrPem);
  if (request === undefined) throw new TypeError('the certificate request is not PEM');
  return request.der;
}

async function basic({ username, passwordFile }: EstSettings): Promise<string | undefined> {
  if (!username || passwordFile === undefined) return undefined;
  return basicOf(username, await readNamed('issuer.est.password_file', passwordFile));
}
