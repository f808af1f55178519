import type { Token } from '../../hsm/token.ts';
import { certificatesOf } from '../certificate/pem.ts';
import { failureOf } from '../failure/failure-of.ts';
import { failureFields } from '../machine/failure-fields.ts';
import type { Log } from '../machine/log.ts';
import type { Leaf } from '../roll/leaf.ts';
import { publicKeyOf } from './slots.ts';

interface Beside {
  readonly token: Token;
  /** Destroys the certificates of a key but for one, in a process of its own (hsm/destroy.ts says why). */
  readonly destroy: (label: string, id: string, but: Uint8Array) => Promise<void>;
  readonly log: Log;
}

/**
 * Stores the leaf as a certificate object beside its key, for other PKCS#11 tools. A token may have no room for it: that is no
 * loss, and only logged. The leaf before it, of a key that is kept, goes afterwards: a power cut in between leaves two.
 */
export async function storeBeside({ token, destroy, log }: Beside, leaf: Leaf | undefined): Promise<void> {
  // The factory's own certificate stays where it is.
  if (leaf === undefined || leaf.key.slot === 'given') return;
  const failed = (error: unknown) => log.warn({ event: 'certificate-unstored', ...failureFields(failureOf(error)) });
  try {
    const [der] = certificatesOf(leaf.chain);
    const key = await publicKeyOf(token, leaf.key);
    // The loop does not wait for that process: it may hang for longer than the watchdog allows.
    if (der !== undefined && (await token.storeCertificate(key, der))) destroy(key.label, key.id, der).catch(failed);
  } catch (error) {
    failed(error);
  }
}
