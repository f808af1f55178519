import pkcs11js, { type Handle, type Template } from 'pkcs11js';
import { TokenError } from './ckr.ts';
import type { Session } from './session.ts';

/**
 * Objects with this CKA_ID that are to be destroyed. A list may be wrong once: what is missing in one is in the other, and of
 * each object the token says again whose it is.
 * @throws TokenError OBJECT_OF_ANOTHER
 */
export function foundTwice(session: Session, template: Template, id: Buffer): readonly Handle[] {
  const found = new Map(
    [...session.find(template), ...session.find(template)].map((one) => [one.toString('hex'), one]),
  );
  for (const one of found.values()) {
    const its = session.read(one, pkcs11js.CKA_ID);
    if (its?.equals(id)) continue;
    const what = `The token lists an object for the CKA_ID ${id.toString('hex')} that has another one (${its?.toString('hex') ?? 'none'}): nothing is destroyed.`;
    throw new TokenError('failed', 'OBJECT_OF_ANOTHER', what);
  }
  return [...found.values()];
}
