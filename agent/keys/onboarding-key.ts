import type { PublicKey } from '../../hsm/public-key.ts';
import type { Token } from '../../hsm/token.ts';
import { generatedOr, isWhole } from './whole.ts';

interface OnboardingKeyOptions {
  readonly label: string;
  /** CKA_ID (hex), which has been written down. */
  readonly id: string;
  /** A certificate may have been issued for it: it is destroyed for no reason. */
  readonly isUsed: boolean;
  /** Destroys a key pair in a process of its own (hsm/destroy.ts says why). */
  readonly destroy: (label: string, id: string) => Promise<void>;
}

/**
 * The onboarding key that newleaf makes where the factory has made none: P-384 where the token makes such keys, else P-256. May
 * be repeated: the key of an attempt that a power cut has ended is found again, and half a key is made anew.
 * @throws TokenError
 */
export async function onboardingKey(
  token: Token,
  { label, id, isUsed, destroy }: OnboardingKeyOptions,
): Promise<PublicKey> {
  const found = (await isWhole(token, { label, id }, async () => isUsed, destroy))
    ? await token.findById(id)
    : undefined;
  return found ?? generatedOr(token, { label, id }, 'ec-p384', 'ec-p256');
}
