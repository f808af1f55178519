import { createHash, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls';
import { TokenError } from './ckr.ts';
import { connectorOf, type TlsConnector } from './connector.ts';
import { ENGINE, tokenErrorOf } from './engine.ts';
import { heldPin, pinSource } from './pin.ts';
import type { PublicKey } from './public-key.ts';
import { reasonOf } from './reason.ts';
import type { Helper } from './stunnel.ts';
import type { HelperWords } from './stunnel-settings.ts';
import type { Token } from './token.ts';
import { formatUri } from './uri.ts';

/** Current and next leaf, each for DPS and hub; with the CA bundle of a distribution each context costs 1.1 MiB. */
const KEPT = 2;

/**
 * Held for the life of the process, and never used for a connection. When libp11 0.4.13 loses its last context (the GC
 * takes it, or a new one fails), it calls C_Finalize, and our own session gets CKR_CRYPTOKI_NOT_INITIALIZED for ever.
 */
const keepers: SecureContext[] = [];

/** The descriptor of the PIN in stunnel. */
const PIN_OF_HELPER = 4;

/** What stunnel needs to do TLS. */
export interface Helped {
  readonly module: string;
  readonly helper: Helper;
}

export interface Identity {
  /** CKA_ID of the private key in lower-case hex. */
  readonly id: string;
  /** PEM, leaf first, then the intermediates to be sent. */
  readonly chain: string;
  /** PEM: the CAs that may have issued the server's certificate. */
  readonly ca: string;
  /** The newest version of TLS to offer; the newest of all by default. */
  readonly maxVersion?: SecureVersion | undefined;
}

/** Makes TLS connectors whose private key stays in the token. `prepareEngine` must have run, and the token be open. */
export class TokenConnectors {
  readonly #token: Token;
  readonly #pin: number;
  readonly #directory: string;
  readonly #helped: Helped | undefined;
  readonly #kept = new Map<string, TlsConnector>();
  #pinRefused: TokenError | undefined;

  /**
   * @param pin the PIN with which the token was opened: it has been accepted once, so OpenSSL may use it
   * @param directory for the nameless copy of the PIN, best $RUNTIME_DIRECTORY
   * @param helped where stunnel does TLS, in place of Node and the engine
   * @throws TokenError PIN_FILE
   */
  constructor(token: Token, pin: string, directory: string, helped?: Helped) {
    this.#token = token;
    this.#pin = heldPin(pin, directory);
    this.#directory = directory;
    this.#helped = helped;
  }

  /**
   * The connector for a leaf and its key. The same arguments give the same, for the newest few.
   * @throws TokenError KEY_NOT_FOUND when the token has no such key (then OpenSSL is not asked: it would want a PIN on
   * the terminal, and a context that fails costs a login); ERR_OSSL_X509_KEY_VALUES_MISMATCH for the leaf of another key
   */
  async connector({ id, chain, ca, maxVersion }: Identity): Promise<TlsConnector> {
    if (this.#pinRefused !== undefined) throw this.#pinRefused;
    const key = await this.#find(id);
    if (this.#helped !== undefined) {
      const uri = this.#uri(id, PIN_OF_HELPER);
      const isPkcs1 = await this.#isPkcs1(key);
      return this.#byHelper(this.#helped, { id, chain, ca, uri, maxVersion, isPkcs1 });
    }
    try {
      return this.#byEngine({ id, chain, ca, maxVersion });
    } catch (error) {
      throw await this.#heard(
        isStale(error, key, { chain, ca }) ? new TokenError('poisoned', 'ENGINE_STALE', STALE, error) : error,
      );
    }
  }

  #byEngine({ id, chain, ca, maxVersion }: Identity): TlsConnector {
    const uri = this.#uri(id, this.#pin);
    if (keepers.length === 0) keepers.push(this.#create(uri));
    const whole = JSON.stringify([uri, chain, ca, maxVersion]);
    const name = createHash('sha256').update(whole).digest('hex');
    const shown = { cert: chain, ca, ...(maxVersion && { maxVersion }) };
    const connector = this.#kept.get(name) ?? connectorOf(this.#create(uri, shown));
    this.#keep(name, connector);
    return connector;
  }

  /** Each further context, or stunnel, or process, would burn a try. */
  async #heard<E>(error: E): Promise<E | TokenError> {
    if (!(error instanceof TokenError) || !['pin', 'pin-locked'].includes(error.kind)) return error;
    this.#pinRefused = error;
    return this.#token.noted(error);
  }

  async #find(id: string): Promise<PublicKey> {
    const key = await this.#token.findById(id);
    if (key !== undefined) return key;
    const what = `Token "${this.#token.name.label}" has no private key with id ${id}.`;
    throw new TokenError('key', 'KEY_NOT_FOUND', what);
  }

  /** pkcs11-provider 1.0 pads for PSS by the module alone, and tpm2-pkcs11 1.9.1 lists no CKM_RSA_PKCS_PSS. libp11 does it by itself. */
  async #isPkcs1({ keyType }: PublicKey): Promise<boolean> {
    return keyType.startsWith('rsa') && !(await this.#token.listsPss());
  }

  async #byHelper({ module, helper }: Helped, { id, ...leaf }: Identity & Pick<HelperWords, 'uri' | 'isPkcs1'>) {
    const { connectorBy } = await import('./stunnel.ts');
    const options = { module, helper, directory: this.#directory, pin: this.#pin, maxVersion: undefined, ...leaf };
    return connectorBy(options, async (error) => {
      if (!(error instanceof TokenError)) return error;
      const lost = await this.#find(id).catch((why: unknown) => why);
      if (lost instanceof TokenError) return Object.assign(lost, { library: 'stunnel' });
      return this.#heard(error);
    });
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
      throw new TokenError('poisoned', 'ENGINE_STALE', STALE, error);
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
      throw failure;
    }
  }

  #keep(name: string, connector: TlsConnector): void {
    this.#kept.delete(name);
    this.#kept.set(name, connector);
    const [oldest = name] = this.#kept.keys();
    if (this.#kept.size > KEPT) this.#kept.delete(oldest);
  }

  #uri(id: string, pin: number): string {
    const { label, serial } = this.#token.name;
    return formatUri({
      ...(label === '' ? {} : { token: label }),
      ...(serial === '' ? {} : { serial }),
      type: 'private',
      id: Buffer.from(id, 'hex'),
      pinSource: pinSource(pin),
    });
  }
}

const STALE = 'OpenSSL does not see a key that is in the token: only a restart makes it look again';

/**
 * libp11 keeps what the token has said once of an object, also where that was wrong. Here the token itself shows the key of this
 * leaf, and OpenSSL takes its certificates.
 */
function isStale(error: unknown, { spki }: PublicKey, shown: Pick<Identity, 'chain' | 'ca'>): boolean {
  if (!(error instanceof TokenError)) return false;
  const { library } = Object(error.cause);
  if (error.code !== 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' && !OF_A_KEY.has(library)) return false;
  try {
    createSecureContext({ cert: shown.chain, ca: shown.ca });
    return new X509Certificate(shown.chain).publicKey.export({ type: 'spki', format: 'der' }).equals(spki);
  } catch {
    return false;
  }
}

/** The parts of OpenSSL that take a public key to pieces. */
const OF_A_KEY = new Set(['elliptic curve routines', 'rsa routines']);

type Shown = Pick<SecureContextOptions, 'cert' | 'ca' | 'maxVersion'>;
