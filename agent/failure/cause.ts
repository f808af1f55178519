/** Codes of the system and of node. */
const WORDS = new Map(
  Object.entries({
    ABORT_ERR: 'there is no answer in time',
    EADDRNOTAVAIL: 'this gateway has no address to send from',
    EAFNOSUPPORT: 'this gateway has no network of that kind',
    EAI_AGAIN: 'no name server answers',
    EAI_FAIL: 'the name server fails',
    ECONNABORTED: 'the connection is cut',
    ECONNREFUSED: 'the connection is refused',
    ECONNRESET: 'the connection is cut',
    EHOSTDOWN: 'the host does not answer',
    EHOSTUNREACH: 'there is no route to the host',
    ENETDOWN: 'the network is down',
    ENETUNREACH: 'there is no route to the network',
    ENOTFOUND: 'no name server knows it',
    EPIPE: 'the connection is cut',
    ETIMEDOUT: 'there is no answer in time',
    CERT_HAS_EXPIRED: 'it has expired',
    CERT_NOT_YET_VALID: 'it is not valid yet',
    DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
    ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another name',
    ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS: a captive portal or a proxy answers in its place',
    SELF_SIGNED_CERT_IN_CHAIN: 'its CA is not in trust.ca_file',
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its CA is not in trust.ca_file',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its CA is not in trust.ca_file',
  }),
);

/** The useful part of an OpenSSL error: `error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:…`. */
const OPENSSL = /:SSL routines:[^:]*:(?:ssl\/tls |sslv3 |tlsv1\d* )?([^:]+):/;

/** An error message without the parts that only its author understands. */
export const plainly = (words: string): string => OPENSSL.exec(words)?.[1] ?? words;

/** The meaning of a code of the system or of node, as the end of a sentence; undefined for an unknown one. */
export const codeInWords = (code: string): string | undefined => WORDS.get(code);

/** A failed call of node: `connect EADDRNOTAVAIL ::1:8883 - Local (:::0)`, `getaddrinfo ENOTFOUND ca.example`, `read ECONNRESET`. */
const CALLED =
  /(?<=^|[:;,] )(?:connect|getaddrinfo|read|write) (E[A-Z_]+)(?: (\S+?)(?: - Local \([^)]*\))?)?(?=[;,]|$)/g;

/** `127.0.0.1:8883: there is no answer in time, ETIMEDOUT; ::1:8883: …` */
const callsInWords = (cause: string): string =>
  cause.replace(CALLED, (all, code: string, target?: string) => {
    const words = codeInWords(code);
    if (words === undefined) return all;
    return `${target === undefined ? '' : `${target}: `}${words}, ${code}`;
  });

/** The cause of a failure for people. The code stays in it: it is what an engineer searches for. */
export function plainCause(cause: string): string {
  const words = codeInWords(cause);
  return words === undefined ? callsInWords(cause) : `${words}, ${cause}`;
}
