import type { Token } from '../../hsm/token.ts';
import type { TokenApart } from '../../hsm/token-apart.ts';
import { certificatesOf } from '../certificate/pem.ts';
import { failureOf } from '../failure/failure-of.ts';
import { failureFields } from '../machine/failure-fields.ts';
import type { Log } from '../machine/log.ts';
import { rungMs } from '../roll/backoff.ts';
import type { Leaf } from '../roll/leaf.ts';
import type { RollState } from '../roll/state.ts';
import type { Clock } from '../time/clock.ts';
import { publicKeyOf } from './slots.ts';

interface Beside {
  readonly token: Pick<Token, 'certificates' | 'findById' | 'name'>;
  /** Stores it: a module may hang in that. */
  readonly apart: Pick<TokenApart, 'storeCertificate'>;
  /** Destroys the certificates of a key but for one, in a process of its own (hsm/destroy.ts says why). */
  readonly destroy: (label: string, id: string, but: Uint8Array) => Promise<void>;
  readonly log: Log;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** What the token has no room for, or hangs in, is not offered again at each turn of the loop. */
const AGAIN = { firstMs: 60_000, capMs: 24 * 3_600_000, factor: 8 };

/**
 * Stores the leaf as a certificate object beside its key, for other PKCS#11 tools: newleaf itself needs none, so it comes last,
 * once the leaf serves and no key is to be destroyed. A token may have no room for it: that is no loss, and only logged.
 * @returns to be called with each state; the loop does not wait for it
 */
export function storesBeside({ token, apart, destroy, log, clock }: Beside) {
  let stored: Leaf | undefined;
  let missed = { tries: 0, againAt: 0 };
  return async ({ current, online, phase }: Pick<RollState, 'current' | 'online' | 'phase'>): Promise<void> => {
    if (current === undefined || online === undefined || phase !== 'serving') return;
    if (current === stored && clock.monotonic() < missed.againAt) return;
    missed = { tries: current === stored ? missed.tries : 0, againAt: Number.POSITIVE_INFINITY };
    stored = current;
    const { key, chain } = current;
    // The factory's own certificate stays where it is.
    if (key.slot === 'given') return;
    try {
      const [der] = certificatesOf(chain);
      const there = await token.certificates(key.id);
      if (der === undefined || (there.length === 1 && there[0]?.equals(der))) return;
      const found = await publicKeyOf(token, key);
      // The leaf before it, of a key that is kept, goes afterwards: a power cut in between leaves two.
      if (await apart.storeCertificate(found, der)) await destroy(found.label, key.id, der);
      log.debug({ event: 'certificate-stored', thumbprint: current.thumbprint });
    } catch (error) {
      const tries = missed.tries + 1;
      missed = { tries, againAt: clock.monotonic() + rungMs(AGAIN, tries) };
      log.warn({ event: 'certificate-unstored', ...failureFields(failureOf(error)) });
    }
  };
}
