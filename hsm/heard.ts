import { ckrKind, ckrName, TokenError } from './ckr.ts';
import { tokenErrorOf } from './engine.ts';

/** Words of OpenSSL, and the code of Node that means the same. */
const CODES: readonly (readonly [RegExp, string])[] = [
  [/Subject checks failed/, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  [/certificate has expired/, 'CERT_HAS_EXPIRED'],
  [/not yet valid/, 'CERT_NOT_YET_VALID'],
  [/self-signed certificate in certificate chain/, 'SELF_SIGNED_CERT_IN_CHAIN'],
  [/unable to get local issuer certificate/, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  [/Rejected by CERT/, 'UNSPECIFIED'],
];
/** Reasons of OpenSSL for a leaf and a key that it has read, and the codes that Node makes of them. */
const NODE_CODES: Readonly<Record<string, string>> = { 'key values mismatch': 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' };
const OPENSSL_ERROR = /error:[0-9A-F]+:([^:]*):[^:]*:(.*)$/;

/** The log of stunnel 5.74 (debug = info), read for what a TLSSocket would say. */
export class Heard {
  /** Node's code of what is wrong with the certificate of the far side. */
  untrusted: string | undefined;
  #isConfigured = false;
  /** What stunnel has begun to read. */
  #loading: 'chain' | 'key' | undefined;
  #error: string | undefined;

  /** Version of TLS, when the handshake is done. */
  protocol: string | undefined;

  /** @returns what this line tells: the end of the handshake, or a session ticket after it */
  hear(line: string): 'secureConnect' | 'session' | undefined {
    const text = line.replace(/^.*?LOG\d\[\w+\]: |^\[.\] /, '');
    if (text === 'Configuration successful') this.#isConfigured = true;
    if (text.startsWith('Loading certificate')) this.#loading = 'chain';
    if (text.startsWith('Loading private key')) this.#loading = 'key';
    this.untrusted ??= CODES.find(([words]) => words.test(text))?.[1];
    // stunnel prints the queue of OpenSSL from its end: the first of them is the deepest at the start, the only one later.
    if (OPENSSL_ERROR.test(text) || text.startsWith('SSL_')) this.#error = text;
    if (text.startsWith('Session id:') && this.protocol !== undefined) return 'session';
    const [, protocol] = /^(TLSv[\d.]+) ciphersuite:/.exec(text) ?? [];
    if (protocol === undefined) return undefined;
    this.protocol = protocol;
    return 'secureConnect';
  }

  /**
   * @param spoken the log of the provider
   * @returns undefined where the connection came to its end in order
   */
  failure(isSecure: boolean, how: string, spoken: string): Error | undefined {
    const [, library, reason] = OPENSSL_ERROR.exec(this.#error ?? '') ?? [];
    const why = reason ?? this.#error ?? `stunnel ended (${how})`;
    if (!this.#isConfigured) return Object.assign(this.#unconfigured(why, spoken), { library: library ?? 'stunnel' });
    if (library !== undefined && library !== 'SSL routines') {
      const what = `stunnel could not sign with the key in the token: ${why}`;
      return Object.assign(new TokenError('failed', 'HELPER_SIGN', what), { library });
    }
    if (this.untrusted !== undefined && !isSecure) {
      return Object.assign(new Error(`the certificate is not trusted: ${this.untrusted}`), { code: this.untrusted });
    }
    const wrong = tokenErrorOf(new Error(why));
    if (wrong !== undefined) return wrong;
    if (library !== undefined) return Object.assign(new Error(why), { code: 'EPROTO', library });
    return isSecure ? undefined : Object.assign(new Error(why), { code: 'ECONNRESET' });
  }

  #unconfigured(why: string, spoken: string): TokenError {
    if (this.#loading === 'chain')
      return new TokenError('failed', 'HELPER_CHAIN', `stunnel cannot use the leaf: ${why}`);
    if (this.#loading === undefined) return new TokenError('engine', 'HELPER_FAILED', `stunnel does not start: ${why}`);
    const known = tokenErrorOf(Object.assign(new Error(why), { code: NODE_CODES[why] }));
    if (known !== undefined) return known;
    const [, number] = LOGIN_REFUSED.exec(spoken) ?? [];
    if (number !== undefined) {
      const code = ckrName(Number(number));
      return new TokenError(ckrKind(code, 'open'), code, `The token refuses the login of stunnel (${code})`);
    }
    if (spoken === '')
      return new TokenError('engine', 'HELPER_FAILED', `stunnel works without pkcs11-provider: ${why}`);
    const [, answer] = NOT_STARTED.exec(spoken) ?? [];
    const reason = spoken.includes(NOT_SEEN) ? 'it does not see the token' : why;
    const what = answer === undefined ? reason : `the module does not start in it (${ckrName(Number(answer))})`;
    return new TokenError('failed', 'HELPER_KEY', `stunnel cannot use the key in the token: ${what}`);
  }
}

/** pkcs11-provider 1.0, interface.gen.c. It then blocks the PIN by itself, for the rest of the process. */
const LOGIN_REFUSED = /Error (\d+) returned by C_Login/;

/** Of a token that is away, store.c and interface.gen.c tell; OpenSSL then has "No supported data to decode" for everything. */
const NOT_SEEN = 'Failed to get session to load keys';
const NOT_STARTED = /Error (\d+) returned by C_Initialize/;
