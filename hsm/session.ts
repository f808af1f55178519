import pkcs11js, { type Handle, type KeyPair, type Mechanism, type PKCS11, type Template } from 'pkcs11js';
import { ckrOf, tokenError } from './ckr.ts';

/** Room for the signature of an RSA key of 4096 bits, the largest we make. */
const SIGNATURE_BYTES = 512;

/** Performs work on the main thread that may hang in the module. */
export type AroundCalls = <T>(work: () => Promise<T>) => Promise<T>;

export class Session {
  readonly #module: PKCS11;
  #session: Handle;
  readonly #watched: AroundCalls;
  #last: Promise<unknown> = Promise.resolve();

  constructor(module: PKCS11, session: Handle, watched: AroundCalls = (work) => work()) {
    this.#module = module;
    this.#session = session;
    this.#watched = watched;
  }

  /**
   * Runs `work` when all earlier work has ended: a session holds one search or signature at a time (PKCS#11 v2.40 section
   * 5.2), and work on the thread pool leaves the loop free to ask for the next.
   * @throws TokenError for every error of the module
   */
  alone<T>(doing: string, work: () => T | Promise<T>): Promise<T> {
    const mine = this.#last
      .then(() => this.#watched(async () => work()))
      .catch((error: unknown) => {
        throw tokenError(error, 'open', doing);
      });
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  find(template: Template): Handle[] {
    this.#begin((session) => this.#module.C_FindObjectsInit(session, template));
    try {
      const found: Handle[] = [];
      for (;;) {
        const some = this.#module.C_FindObjects(this.#session, 16);
        if (some.length === 0) return found;
        found.push(...some);
      }
    } finally {
      this.#module.C_FindObjectsFinal(this.#session);
    }
  }

  /** The value of one attribute, or undefined where the token has none or does not reveal it. */
  read(object: Handle, type: number): Buffer | undefined {
    try {
      return this.#module.C_GetAttributeValue(this.#session, object, [{ type }])[0]?.value;
    } catch (error) {
      const code = ckrOf(error);
      if (code === pkcs11js.CKR_ATTRIBUTE_TYPE_INVALID || code === pkcs11js.CKR_ATTRIBUTE_SENSITIVE) return undefined;
      throw error;
    }
  }

  flag(object: Handle, type: number): boolean | undefined {
    const value = this.read(object, type);
    return value === undefined || value.length === 0 ? undefined : value[0] !== 0;
  }

  create(template: Template): Handle {
    return this.#module.C_CreateObject(this.#session, template);
  }

  destroy(object: Handle): void {
    this.#module.C_DestroyObject(this.#session, object);
  }

  generate(mechanism: number, publicKey: Template, privateKey: Template): Promise<KeyPair> {
    return this.#module.C_GenerateKeyPairAsync(this.#session, { mechanism }, publicKey, privateKey);
  }

  /** Whether the token lists this mechanism (CKM_…). */
  has(mechanism: number): boolean {
    const { slotID } = this.#module.C_GetSessionInfo(this.#session);
    return this.#module.C_GetMechanismList(slotID).includes(mechanism);
  }

  /** A raw signature over `input` (a digest, or a DigestInfo). */
  async sign(mechanism: Mechanism, privateKey: Handle, input: Uint8Array): Promise<Buffer> {
    const held = Buffer.from(input);
    this.#begin((session) => this.#module.C_SignInit(session, mechanism, privateKey));
    const signature = await this.#module.C_SignAsync(this.#session, held, Buffer.alloc(SIGNATURE_BYTES));
    // pkcs11js 2.1.7 gives the worker thread a bare pointer to its input and no reference: a buffer that is not used
    // after the await may be collected while the token reads it.
    held.fill(0);
    return signature;
  }

  /**
   * Begins an operation. A module may leave the one before active when it fails ("CKR_OPERATION_ACTIVE: there is already an
   * active operation which prevents Cryptoki from activating the specified operation", PKCS#11 v2.40 section 5.1), and v2.40
   * has no call that ends it: then it begins in another session, which shares the login, and the first is closed.
   */
  #begin(operation: (session: Handle) => void): void {
    try {
      operation(this.#session);
    } catch (error) {
      if (ckrOf(error) !== pkcs11js.CKR_OPERATION_ACTIVE) throw error;
      const left = this.#session;
      const { slotID, flags } = this.#module.C_GetSessionInfo(left);
      // Opened before the other is closed: with its last session an application loses its login (section 5.6).
      this.#session = this.#module.C_OpenSession(slotID, flags);
      try {
        this.#module.C_CloseSession(left);
      } catch {
        // A leaked session costs less than an unusable token.
      }
      operation(this.#session);
    }
  }
}
