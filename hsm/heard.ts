import { TokenError } from './ckr.ts';

/** Words of OpenSSL, and the code of Node that means the same. */
const CODES: readonly (readonly [RegExp, string])[] = [
  [/Subject checks failed/, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  [/certificate has expired/, 'CERT_HAS_EXPIRED'],
  [/not yet valid/, 'CERT_NOT_YET_VALID'],
  [/self-signed certificate in certificate chain/, 'SELF_SIGNED_CERT_IN_CHAIN'],
  [/unable to get local issuer certificate/, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  [/Rejected by CERT/, 'UNSPECIFIED'],
];
const OPENSSL_ERROR = /error:[0-9A-F]+:([^:]*):[^:]*:(.*)$/;

/** The log of stunnel 5.74 (debug = info), read for what a TLSSocket would say. */
export class Heard {
  /** Node's code of what is wrong with the certificate of the far side. */
  untrusted: string | undefined;
  #isConfigured = false;
  #error: string | undefined;

  /** @returns whether this line says that the handshake is done */
  hear(line: string): boolean {
    const text = line.replace(/^.*?LOG\d\[\w+\]: |^\[.\] /, '');
    if (text === 'Configuration successful') this.#isConfigured = true;
    this.untrusted ??= CODES.find(([words]) => words.test(text))?.[1];
    // stunnel prints the queue of OpenSSL from its end: the first of them is the deepest at the start, the only one later.
    if (OPENSSL_ERROR.test(text) || text.startsWith('SSL_')) this.#error = text;
    return text.startsWith('TLS connected:');
  }

  /** @returns undefined where the connection came to its end in order */
  failure(isSecure: boolean, how: string): Error | undefined {
    const [, library, reason] = OPENSSL_ERROR.exec(this.#error ?? '') ?? [];
    const why = reason ?? this.#error ?? `stunnel ended (${how})`;
    if (!this.#isConfigured) {
      const what = `stunnel cannot use the key in the token: ${why}`;
      return Object.assign(new TokenError('engine', HELPER_KEY, what), { library: library ?? 'stunnel' });
    }
    if (library !== undefined && library !== 'SSL routines') {
      const what = `stunnel could not sign with the key in the token: ${why}`;
      return Object.assign(new TokenError('failed', 'HELPER_SIGN', what), { library });
    }
    if (this.untrusted !== undefined && !isSecure) {
      return Object.assign(new Error(`the certificate is not trusted: ${this.untrusted}`), { code: this.untrusted });
    }
    if (library !== undefined) return Object.assign(new Error(why), { code: 'EPROTO', library });
    return isSecure ? undefined : Object.assign(new Error(why), { code: 'ECONNRESET' });
  }
}

/** The key could not be loaded: stunnel says neither PIN nor key nor module. */
export const HELPER_KEY = 'HELPER_KEY';
