import pkcs11js, { type Handle, type PKCS11 } from 'pkcs11js';
import { findSlot, loadModule } from '../../../hsm/module.ts';
import type { TestToken } from '../../contract/token/softhsm.ts';

/** Looks into a token that this process has opened, past everything that the daemon believes of it. */
export class Inspector {
  readonly #module: PKCS11;
  readonly #session: Handle;

  constructor({ module }: Pick<TestToken, 'module'>, token: string) {
    this.#module = loadModule(module);
    const { slot } = findSlot(this.#module, token, undefined);
    // Whoever has opened the token has logged in for the whole process.
    this.#session = this.#module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION);
  }

  /** Labels of the private keys, sorted. */
  privateKeys(): readonly string[] {
    return this.#read(pkcs11js.CKO_PRIVATE_KEY, pkcs11js.CKA_LABEL)
      .map((label) => label.toString())
      .sort();
  }

  /** CKA_ID of the private keys, in hex. */
  keyIds(): readonly string[] {
    return this.#read(pkcs11js.CKO_PRIVATE_KEY, pkcs11js.CKA_ID).map((id) => id.toString('hex'));
  }

  /** Every certificate (DER). */
  certificates(): readonly Buffer[] {
    return this.#read(pkcs11js.CKO_CERTIFICATE, pkcs11js.CKA_VALUE);
  }

  #read(kind: number, attribute: number): readonly Buffer[] {
    const found: Buffer[] = [];
    this.#module.C_FindObjectsInit(this.#session, [{ type: pkcs11js.CKA_CLASS, value: kind }]);
    for (;;) {
      const object = this.#module.C_FindObjects(this.#session);
      if (!object) break;
      const [read] = this.#module.C_GetAttributeValue(this.#session, object, [{ type: attribute }]);
      found.push(Buffer.from((read?.value as Buffer | undefined) ?? ''));
    }
    this.#module.C_FindObjectsFinal(this.#session);
    return found;
  }
}
