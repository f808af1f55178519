import { type Code, Fault } from '../failure/failure.ts';

export interface Attempt {
  /**
   * How far it came: CONNACK says `refused` or `connected`; the others are the step it waits for. `tls` goes on until the
   * server has agreed to WebSockets, where these are used.
   */
  phase: 'tcp' | 'tls' | 'connack' | 'connected' | 'refused';
  /** MQTT 3.1.1 section 3.2.2.3, as it came over the wire. */
  connack?: number;
  /** `code` of the first error of the socket: of the system, of OpenSSL, or of the certificate check. */
  socketError?: string;
  error?: OpensslError;
}

type OpensslError = Error & { readonly library?: string };

/**
 * How an attempt ended, in words that mean the same at DPS and at a hub:
 * - `rejected`: CONNACK 2, 4, 5: the only answers about our identity (`c/docs/connecting.md` of Azure/azure-iot-sdk)
 * - `unsupported`, `unavailable`: CONNACK 1; CONNACK 3 and the reserved codes
 * - `dropped`: CONNACK 0, then the end
 * - `unreachable`: no TCP connection (DNS, route, port)
 * - `untrusted`: the certificate of the other side is not good
 * - `closed`: the end came before any CONNACK. With TLS 1.3 a refused client certificate looks like this, too.
 */
export type LinkEnd = 'rejected' | 'unsupported' | 'unavailable' | 'dropped' | 'unreachable' | 'untrusted' | 'closed';

/**
 * Names how the attempt ended, by CONNACK, phase and error code; class names and message texts are not looked at. An error of
 * our own token or engine says nothing about the other side, and is returned as it is.
 */
export function ending({ connack, phase, error, socketError = '' }: Attempt): LinkEnd | Error {
  // In place of an agreement to WebSockets came something that has a name of its own.
  if (error instanceof Fault) return error;
  if (connack !== undefined) return CONNACK[connack] ?? 'unavailable';
  if (phase === 'tcp') return 'unreachable';
  if (error !== undefined && (socketError.startsWith('ERR_OSSL_') || isLocal(error))) return error;
  return UNTRUSTED.has(socketError) ? 'untrusted' : 'closed';
}

/** Errors of the gateway's own network or of its name servers: another port does not help. */
const HOPELESS = /^(ENOTFOUND|EAI_|ENETUNREACH|ENETDOWN)/;

/** There is no answer, or the connection is cut. Node 20.20.2 says ECONNRESET for an orderly end before TLS is done, too. */
const CUT: readonly string[] = ['ETIMEDOUT', 'ECONNRESET', 'EPIPE'];

/**
 * The port gave no answer, or refused the connection: a firewall may close it, and leave another one open. A firewall may also
 * accept the connection itself, and then drop what is sent, or cut it at the ClientHello.
 */
export const isUnanswered = ({ phase, socketError = '' }: Attempt): boolean =>
  phase === 'tcp' ? !HOPELESS.test(socketError) : phase === 'tls' && CUT.includes(socketError);

/** OpenSSL's error for an answer that is no TLS, as the text of a web server. */
const NO_TLS = 'ERR_SSL_WRONG_VERSION_NUMBER';
const PLAIN = 'The answer does not come from the server.';

/** Why a connection ended, by the codes and the words of the other side. Errors of the token come back as they are. */
export function endingFault(
  attempt: Attempt,
  codes: Readonly<Record<LinkEnd, Code>>,
  messages: Readonly<Partial<Record<LinkEnd, string>>> = {},
): Error {
  const how = ending(attempt);
  if (how instanceof Error) return how;
  if (attempt.socketError === NO_TLS) return new Fault('NL-NETWORK-PORTAL', { message: PLAIN, cause: NO_TLS });
  const message = messages[how];
  const cause = attempt.connack ? `CONNACK ${attempt.connack}` : attempt.socketError;
  return new Fault(codes[how], { cause, ...(message !== undefined && { message }) });
}

const CONNACK: readonly LinkEnd[] = ['dropped', 'unsupported', 'rejected', 'unavailable', 'rejected', 'rejected'];

/** The codes of "X509 certificate error codes" in Node's TLS documentation, and the name check of node:tls. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'CRL_HAS_EXPIRED',
  'CRL_NOT_YET_VALID',
  'CRL_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD',
  'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
  'ERR_TLS_CERT_ALTNAME_FORMAT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  // Node's code for every verification error of OpenSSL that it has no name for, weak keys and digests among them.
  'UNSPECIFIED',
]);

/**
 * A key that was destroyed after its context was made fails in the handshake as ERR_SSL_OBJECT_HANDLE_INVALID with library
 * "PKCS#11 module" (libp11 0.4.13, Node 20), because Node puts ERR_SSL_ before every OpenSSL error. Faults of the other side,
 * its alerts included, come from "SSL routines"; of these, decrypt_error says that our signature is wrong (RFC 8446 section 6.2).
 */
const isLocal = ({ library, message }: OpensslError): boolean =>
  (library !== undefined && library !== 'SSL routines') || message.includes('SSL alert number 51');
