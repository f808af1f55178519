import { statSync } from 'node:fs';
import pkcs11js from 'pkcs11js';
import { filesOfToken } from '../contract/faulty/cut-login.ts';
import type { TestToken } from '../contract/token/softhsm.ts';
import { inEnvironment } from '../put-back.ts';

export interface PrivateKey {
  /** '' where SoftHSM was killed while it made the key: nobody can tell whose it is. */
  readonly label: string;
  /** In hex. */
  readonly id: string;
}

/**
 * The private keys of a SoftHSM token, by a look from this process: a fraction of what `pkcs11-tool` takes.
 * @returns undefined where a login was cut off, and the daemon has to mend the token first
 */
export function privateKeys(at: TestToken): PrivateKey[] | undefined {
  if (statSync(filesOfToken(at.directory).object).size === 0) return undefined;
  return inEnvironment(at.environment, () => steadily(() => look(at)));
}

/** SoftHSM 2.6.1 truncates token.object before it writes it: a look in that moment of another process fails. */
function steadily<T>(look: () => T, tries = 40): T {
  try {
    return look();
  } catch (error) {
    if (tries === 1) throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    return steadily(look, tries - 1);
  }
}

function look({ module, token, pin }: TestToken): PrivateKey[] {
  const pkcs11 = new pkcs11js.PKCS11();
  pkcs11.load(module);
  pkcs11.C_Initialize();
  try {
    const slot = pkcs11.C_GetSlotList(true).find((one) => pkcs11.C_GetTokenInfo(one).label.trim() === token);
    if (slot === undefined) throw new Error(`There is no token ${token}.`);
    const session = pkcs11.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION);
    pkcs11.C_Login(session, pkcs11js.CKU_USER, pin);
    pkcs11.C_FindObjectsInit(session, [{ type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY }]);
    const found = pkcs11.C_FindObjects(session, 100);
    pkcs11.C_FindObjectsFinal(session);
    return found.map((object) => {
      const [label, id] = pkcs11.C_GetAttributeValue(session, object, [
        { type: pkcs11js.CKA_LABEL },
        { type: pkcs11js.CKA_ID },
      ]);
      return { label: String(label?.value ?? ''), id: Buffer.from(id?.value as Buffer).toString('hex') };
    });
  } finally {
    pkcs11.C_Finalize();
    pkcs11.close();
  }
}
