import type { KeyObject } from 'node:crypto';
import pkcs11js, { type Handle, type Template } from 'pkcs11js';
import { certificateTemplate } from './certificate.ts';
import { TokenError } from './ckr.ts';
import { foundTwice } from './found-twice.ts';
import { importedId, importedPair } from './import-key.ts';
import { generateKeyPair, type Protection, protectionOf } from './key-pair.ts';
import { assertLabelAndId, occupiedBy } from './label-and-id.ts';
import { type KeyType, type PublicKey, publicHalf } from './public-key.ts';
import type { Session } from './session.ts';
import { sign } from './sign.ts';
import { bytes, CERTIFICATE, identified, labelled, NO_ID, PRIVATE_KEY, PUBLIC_KEY } from './template.ts';
import { matches, parseUri, type TokenName } from './uri.ts';

/** The objects with one label and one CKA_ID: a key pair with its certificate, or the part that a power cut has left. */
export interface Generation {
  /** CKA_ID in lower-case hex; a module may show objects that have none. */
  readonly id: string;
  /** Of its private key, where it has one. */
  readonly protection?: Protection;
}

/** What is in an open token. Every method throws TokenError; calls may overlap, and run one after the other. */
export class TokenObjects {
  readonly name: TokenName;
  /** Another token matches as well (module.ts). */
  readonly doubt: string | undefined;
  /** The process that uses a key is to make it (key-pair.ts). */
  readonly makesKeysHere: boolean;
  readonly #session: Session;
  readonly #forgotten = new Set<string>();
  /** Keys that this process has seen, and that were not destroyed with its knowledge. */
  readonly #seen = new Set<string>();

  constructor(name: TokenName, session: Session, doubt?: string, makesKeysHere = false) {
    this.name = name;
    this.doubt = doubt;
    this.makesKeysHere = makesKeysHere;
    this.#session = session;
  }

  /**
   * Makes a key pair with this CKA_ID (hex), which the caller has written down before: after a power cut the key is known by
   * it. It MUST be random and never used before, so that a handle which OpenSSL or libp11 keeps by id can never mean another
   * key. The public half of an attempt that a power cut has ended is removed.
   * @throws TokenError LABEL_OCCUPIED when an object with the label has another CKA_ID, or a private key has the CKA_ID:
   * neither is touched; KEY_TYPE_UNKNOWN; KEY_NOT_PROTECTED (and destroys the new pair) when the token does not vouch that the
   * key was never readable
   */
  generate(label: string, keyType: KeyType, id: string): Promise<PublicKey> {
    return this.#session.alone(`Generating the key "${label}"`, async () => {
      assertLabelAndId(label, id);
      this.#makeRoom(label, id);
      // Destroyed by another process, and now made again.
      this.#forgotten.delete(id);
      const key = await generateKeyPair(this.#session, label, bytes(id), keyType);
      const { sensitive, extractable, neverExtractable } = protectionOf(this.#session, key);
      if (sensitive !== true || extractable !== false || neverExtractable !== true) {
        this.#destroy(label, bytes(id));
        const said = `sensitive ${sensitive}, extractable ${extractable}, never extractable ${neverExtractable}`;
        throw new TokenError('failed', 'KEY_NOT_PROTECTED', `The token does not protect the key it made: ${said}.`);
      }
      return this.#shown(key);
    });
  }

  /**
   * Puts a private key from outside into the token. May be repeated: the private half comes last.
   * @throws TokenError LABEL_OCCUPIED, as `generate`; KEY_TYPE_UNSUPPORTED; the error of a module that takes no key
   */
  importKey(label: string, key: KeyObject): Promise<PublicKey> {
    return this.#session.alone(`Putting the key "${label}" into the token`, () => {
      const id = importedId(key);
      const [same] = this.#privateKeys([labelled(label), identified(bytes(id))]);
      if (same !== undefined) return this.#shown(same);
      const pair = importedPair(label, key);
      this.#makeRoom(label, id);
      const half = this.#session.create(pair.public);
      try {
        return this.#shown(this.#session.create(pair.private));
      } catch (error) {
        // tpm2-pkcs11 1.9.1: "Can only create RSA Public key objects or data objects". The half would occupy the label.
        this.#session.destroy(half);
        throw error;
      }
    });
  }

  /** Whether it says that it signs by RSA-PSS, which TLS 1.3 wants of an RSA key. */
  listsPss(): Promise<boolean> {
    return this.#session.alone('Asking for its mechanisms', () => this.#session.has(pkcs11js.CKM_RSA_PKCS_PSS));
  }

  /** Every key that TLS could use. */
  usable(): Promise<readonly PublicKey[]> {
    return this.#session.alone('Looking for keys', () =>
      this.#privateKeys([]).flatMap((key) => {
        try {
          this.#assertUsable(key);
          return [this.#shown(key)];
        } catch (error) {
          if (error instanceof TokenError && error.kind === 'key') return [];
          throw error;
        }
      }),
    );
  }

  /** The key pair whose private half has this label. @throws TokenError KEY_AMBIGUOUS when there are several */
  find(label: string): Promise<PublicKey | undefined> {
    return this.#half(`Looking for the key "${label}"`, [labelled(label)]);
  }

  /** All generations with this label, without objects of a private key with another label. */
  generations(label: string): Promise<readonly Generation[]> {
    return this.#session.alone(`Looking for what is called "${label}"`, () => {
      const ids = [PRIVATE_KEY, PUBLIC_KEY, CERTIFICATE].flatMap((kind) =>
        this.#session.find([kind, labelled(label)]).map((one) => this.#session.read(one, pkcs11js.CKA_ID) ?? NO_ID),
      );
      return [...new Set(ids.map((id) => id.toString('hex')))].flatMap((id) => {
        const [own] = this.#privateKeys([labelled(label), identified(bytes(id))]);
        if (own !== undefined) return [{ id, protection: protectionOf(this.#session, own) }];
        const isOfAnother = id !== '' && this.#privateKeys([identified(bytes(id))]).length > 0;
        return isOfAnother || this.#forgotten.has(id) ? [] : [{ id }];
      });
    });
  }

  /** The key pair with this CKA_ID (hex). @throws TokenError KEY_ID_SHARED when there are several; KEY_VANISHED */
  async findById(id: string): Promise<PublicKey | undefined> {
    const doing = `Looking for the key with id ${id}`;
    const found = await this.#half(doing, [identified(bytes(id))], undefined, 'KEY_ID_SHARED');
    if (found === undefined) this.#assertNotVanished(id);
    return found;
  }

  /** The key pair with this CKA_ID (hex) that another process has just made. @throws TokenError KEY_UNSEEN; as `findById` */
  async findMade(id: string): Promise<PublicKey> {
    // Destroyed by another process, and now made again.
    this.#forgotten.delete(id);
    const found = await this.findById(id);
    if (found !== undefined) return found;
    const is = `Token "${this.name.label}" does not show this process the key with id ${id}, which another one has made`;
    throw new TokenError('poisoned', 'KEY_UNSEEN', `${is}: only a restart shows it.`);
  }

  /** The key pair that the URI names. @throws TokenError KEY_NOT_FOUND, KEY_AMBIGUOUS, KEY_ALWAYS_AUTHENTICATES */
  async findByUri(uri: string): Promise<PublicKey> {
    const wanted = parseUri(uri);
    const template = [
      ...(wanted.object === undefined ? [] : [labelled(wanted.object)]),
      ...(wanted.id === undefined ? [] : [identified(wanted.id)]),
    ];
    const isHere = matches(this.name, wanted);
    const found = isHere && (await this.#half(`Looking for ${uri}`, template, (key) => this.#assertUsable(key)));
    if (found) return found;
    throw new TokenError('key', 'KEY_NOT_FOUND', `No private key in token "${this.name.label}" matches ${uri}.`);
  }

  /** ECDSA in DER or RSA PKCS#1 v1.5; over SHA-384 for P-384, else SHA-256. @throws TokenError KEY_NOT_FOUND, KEY_VANISHED */
  sign(key: PublicKey, message: Uint8Array): Promise<Buffer> {
    const made = () => sign(this.#session, this.#privateKey(key), key.keyType, message);
    return this.#session.alone(`Signing with the key "${key.label}"`, made);
  }

  /** Stores the certificate (DER) beside its key. May be repeated. @returns whether others have its label and CKA_ID (`destroy`) */
  storeCertificate(key: PublicKey, der: Uint8Array): Promise<boolean> {
    return this.#session.alone(`Storing the certificate of the key "${key.label}"`, () => {
      const before = this.#session.find([CERTIFICATE, labelled(key.label), identified(bytes(key.id))]);
      const others = before.filter((one) => !this.#isCertificate(one, der));
      if (others.length === before.length) this.#session.create(certificateTemplate(key, Buffer.from(der)));
      return others.length > 0;
    });
  }

  certificates(id: string): Promise<readonly Buffer[]> {
    return this.#session.alone(`Reading the certificates with id ${id}`, () =>
      this.#session.find([CERTIFICATE, identified(bytes(id))]).flatMap((one) => {
        const der = this.#session.read(one, pkcs11js.CKA_VALUE);
        return der === undefined ? [] : [der];
      }),
    );
  }

  /**
   * Destroys certificate, public and private key that have exactly this label and CKA_ID; absent is success. Or, beside a key
   * that is kept, all its certificates but one.
   * On tpm2-pkcs11 1.9.1 this must be the last thing that a process asks of the token: see destroy.ts.
   * @param but this certificate (DER)
   * @throws TokenError LABEL_AND_ID_REQUIRED
   */
  destroy(label: string, id: string, but?: Uint8Array): Promise<void> {
    return this.#session.alone(`Destroying the key "${label}"`, () => {
      assertLabelAndId(label, id);
      this.#destroy(label, bytes(id), but);
      if (but === undefined) this.#seen.delete(id);
    });
  }

  /**
   * Notes that another process has destroyed the key with this CKA_ID (hex). tpm2-pkcs11 1.9.1 reads its store once, and goes
   * on to show the key to this process: the label would count as occupied until a restart.
   */
  forget(id: string): void {
    this.#forgotten.add(id);
    this.#seen.delete(id);
  }

  /** How the private key is protected, in the token's words. @throws TokenError KEY_NOT_FOUND */
  describe(key: PublicKey): Promise<Protection> {
    const look = () => protectionOf(this.#session, this.#privateKey(key));
    return this.#session.alone(`Describing the key "${key.label}"`, look);
  }

  #half(doing: string, template: Template, judge?: (key: Handle) => void, several = 'KEY_AMBIGUOUS') {
    return this.#session.alone(doing, () => {
      const [key, ...others] = this.#privateKeys(template);
      if (others.length > 0) throw new TokenError('key', several, `${doing}: ${others.length + 1} private keys match.`);
      if (key === undefined) return undefined;
      judge?.(key);
      return this.#shown(key);
    });
  }

  /** @throws TokenError KEY_ALWAYS_AUTHENTICATES */
  #assertUsable(key: Handle): void {
    if (this.#session.flag(key, pkcs11js.CKA_ALWAYS_AUTHENTICATE) !== true) return;
    const wants = `The key "${this.#textOf(key)}" wants the PIN once more for each signature (CKA_ALWAYS_AUTHENTICATE)`;
    throw new TokenError('key', 'KEY_ALWAYS_AUTHENTICATES', `${wants}, which OpenSSL cannot give in a handshake.`);
  }

  #shown(key: Handle): PublicKey {
    const shown = publicHalf(this.#session, key);
    this.#seen.add(shown.id);
    return shown;
  }

  /**
   * Once its directory has been away, SoftHSM 2.6.1 shows an open process no objects any more, even when it is back: only a
   * new process can tell whether the key is lost.
   * @throws TokenError KEY_VANISHED
   */
  #assertNotVanished(id: string): void {
    if (!this.#seen.has(id)) return;
    const was = `Token "${this.name.label}" no longer shows the key with id ${id}, which it has shown before`;
    throw new TokenError('poisoned', 'KEY_VANISHED', `${was}: only a restart tells whether it is lost.`);
  }

  #privateKeys(template: Template): Handle[] {
    return this.#session.find([PRIVATE_KEY, ...template]).filter((key) => !this.#forgotten.has(this.#idOf(key)));
  }

  #privateKey({ label, id }: PublicKey): Handle {
    const [key, ...others] = this.#privateKeys([identified(bytes(id))]);
    if (key !== undefined && others.length === 0) return key;
    if (key === undefined) this.#assertNotVanished(id);
    const count = key === undefined ? 'No private key has' : 'Several private keys have';
    const code = key === undefined ? 'KEY_NOT_FOUND' : 'KEY_ID_SHARED';
    throw new TokenError('key', code, `${count} the id ${id} (label "${label}").`);
  }

  /**
   * Removes a public key with this label and CKA_ID that a power cut during its generation has left without its private half.
   * Any other object with the label or the CKA_ID is not ours, and is not touched.
   * @throws TokenError LABEL_OCCUPIED
   */
  #makeRoom(label: string, id: string): void {
    const named = (key: Handle) => `label "${this.#textOf(key)}", CKA_ID ${this.#idOf(key) || 'none'}`;
    const [key] = [...this.#privateKeys([labelled(label)]), ...this.#privateKeys([identified(bytes(id))])];
    if (key !== undefined) throw occupiedBy(`a private key (${named(key)})`);
    for (const half of this.#session.find([PUBLIC_KEY, labelled(label)])) {
      const idOfHalf = this.#idOf(half);
      if (this.#forgotten.has(idOfHalf)) continue;
      if (idOfHalf !== id) throw occupiedBy(`a public key (${named(half)})`);
      this.#session.destroy(half);
    }
  }

  #isCertificate(object: Handle, der: Uint8Array): boolean {
    return this.#session.read(object, pkcs11js.CKA_VALUE)?.equals(der) === true;
  }

  #idOf(object: Handle): string {
    return this.#session.read(object, pkcs11js.CKA_ID)?.toString('hex') ?? '';
  }

  #textOf(object: Handle): string {
    return this.#session.read(object, pkcs11js.CKA_LABEL)?.toString() ?? '';
  }

  #destroy(label: string, id: Buffer, but?: Uint8Array): void {
    const kinds = but === undefined ? [CERTIFICATE, PUBLIC_KEY, PRIVATE_KEY] : [CERTIFICATE];
    const all = kinds.flatMap((kind) => foundTwice(this.#session, [kind, labelled(label), identified(id)], id));
    for (const one of all) if (but === undefined || !this.#isCertificate(one, but)) this.#session.destroy(one);
  }
}
