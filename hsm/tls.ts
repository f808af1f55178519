import { createHash } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls';
import { TokenError } from './ckr.ts';
import { ENGINE, tokenErrorOf } from './engine.ts';
import { pinSource } from './pin.ts';
import { reasonOf } from './reason.ts';
import type { Token } from './token.ts';
import { formatUri } from './uri.ts';

/** Current and next leaf, each for DPS and hub; with the CA bundle of a distribution each context costs 1.1 MiB. */
const KEPT = 2;

/**
 * Held for the life of the process, and never used for a connection. When libp11 0.4.13 loses its last context (the GC
 * takes it, or a new one fails), it calls C_Finalize, and our own session gets CKR_CRYPTOKI_NOT_INITIALIZED for ever.
 */
const keepers: SecureContext[] = [];

export interface Identity {
  /** CKA_ID of the private key in lower-case hex. */
  readonly id: string;
  /** PEM, leaf first, then the intermediates to be sent. */
  readonly chain: string;
  /** PEM: the CAs that may have issued the server's certificate. */
  readonly ca: string;
  /** The newest version of TLS to offer; the newest of all by default. */
  readonly maxVersion?: SecureVersion;
}

/** Makes TLS contexts whose private key stays in the token. `prepareEngine` must have run, and the token be open. */
export class TokenContexts {
  readonly #token: Token;
  readonly #pinSource: string;
  readonly #kept = new Map<string, SecureContext>();
  #pinRefused: TokenError | undefined;

  /**
   * @param pin the PIN with which the token was opened: it has been accepted once, so OpenSSL may use it
   * @param directory for the nameless copy of the PIN, best $RUNTIME_DIRECTORY
   * @throws TokenError PIN_FILE
   */
  constructor(token: Token, pin: string, directory: string) {
    this.#token = token;
    this.#pinSource = pinSource(pin, directory);
  }

  /**
   * The context for a leaf and its key. The same arguments give the same context, for the newest few.
   * @throws TokenError KEY_NOT_FOUND when the token has no such key (then OpenSSL is not asked: it would want a PIN on
   * the terminal, and a context that fails costs a login); ERR_OSSL_X509_KEY_VALUES_MISMATCH for the leaf of another key
   */
  async context({ id, chain, ca, maxVersion }: Identity): Promise<SecureContext> {
    if (this.#pinRefused !== undefined) throw this.#pinRefused;
    if ((await this.#token.findById(id)) === undefined) {
      const what = `Token "${this.#token.name.label}" has no private key with id ${id}.`;
      throw new TokenError('key', 'KEY_NOT_FOUND', what);
    }
    const uri = this.#uri(id);
    if (keepers.length === 0) keepers.push(this.#create(uri));
    const whole = JSON.stringify([uri, chain, ca, maxVersion]);
    const name = createHash('sha256').update(whole).digest('hex');
    const context = this.#kept.get(name) ?? this.#create(uri, { cert: chain, ca, ...(maxVersion && { maxVersion }) });
    this.#keep(name, context);
    return context;
  }

  /**
   * libp11 0.4.13 looks up keys in a cache of its own. tpm2-pkcs11 1.9.1 shows it a key that another process made only when it
   * looks a second time. opencryptoki 3.23 gives a new key the handle of a destroyed one, and libp11 keeps the old key under
   * it for as long as the process lives.
   * @param uri of a key that the token has just shown to us
   */
  #create(uri: string, leaf: Shown = {}, isSecond = false): SecureContext {
    try {
      return this.#try(uri, leaf);
    } catch (error) {
      if (!(error instanceof TokenError && error.code === 'ERR_OSSL_OBJECT_NOT_FOUND')) throw error;
      if (!isSecond) return this.#create(uri, leaf, true);
      const stale = 'OpenSSL does not see a key that is in the token: only a restart makes it look again';
      throw new TokenError('poisoned', 'ENGINE_STALE', stale, error);
    }
  }

  #try(uri: string, leaf: Shown): SecureContext {
    try {
      const key = { privateKeyEngine: ENGINE, privateKeyIdentifier: uri };
      return createSecureContext({ ...leaf, ...key, minVersion: 'TLSv1.2' });
    } catch (error) {
      const failure =
        tokenErrorOf(error) ?? new TokenError('failed', 'CONTEXT', `No TLS context: ${reasonOf(error)}`, error);
      // libp11 found no PIN in the file, and showed the token none: that costs no try, and may work in a moment.
      if (failure.code === 'ERR_OSSL_UI_PROCESSING_ERROR') {
        throw new TokenError('failed', 'PIN_SOURCE', 'OpenSSL cannot read its copy of the PIN', error);
      }
      // Every context that fails on the PIN burns a try.
      if (failure.kind === 'pin' || failure.kind === 'pin-locked') this.#pinRefused = failure;
      throw failure;
    }
  }

  #keep(name: string, context: SecureContext): void {
    this.#kept.delete(name);
    this.#kept.set(name, context);
    const [oldest = name] = this.#kept.keys();
    if (this.#kept.size > KEPT) this.#kept.delete(oldest);
  }

  #uri(id: string): string {
    const { label, serial } = this.#token.name;
    return formatUri({
      ...(label === '' ? {} : { token: label }),
      ...(serial === '' ? {} : { serial }),
      type: 'private',
      id: Buffer.from(id, 'hex'),
      pinSource: this.#pinSource,
    });
  }
}

type Shown = Pick<SecureContextOptions, 'cert' | 'ca' | 'maxVersion'>;
