import type { Token } from '../../hsm/token.ts';
import { certificatesOf } from '../certificate/pem.ts';
import { failureOf } from '../failure/failure-of.ts';
import { failureFields } from '../machine/failure-fields.ts';
import type { Log } from '../machine/log.ts';
import type { Leaf } from '../roll/leaf.ts';
import { publicKeyOf } from './slots.ts';

/**
 * Stores the leaf as a certificate object beside its key, for other PKCS#11 tools. A token may have no room for it: that is no
 * loss, and only logged.
 */
export async function storeBeside(token: Token, leaf: Leaf | undefined, log: Log): Promise<void> {
  // The factory's own certificate stays where it is.
  if (leaf === undefined || leaf.key.slot === 'given') return;
  try {
    const [der] = certificatesOf(leaf.chain);
    if (der !== undefined) await token.storeCertificate(await publicKeyOf(token, leaf.key), der);
  } catch (error) {
    log.warn({ event: 'certificate-unstored', ...failureFields(failureOf(error)) });
  }
}
