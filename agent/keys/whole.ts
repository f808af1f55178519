import { createPublicKey, verify } from 'node:crypto';
import { TokenError } from '../../hsm/ckr.ts';
import { isProtected } from '../../hsm/key-pair.ts';
import type { KeyType, PublicKey } from '../../hsm/public-key.ts';
import { digestOf } from '../../hsm/sign.ts';
import type { Token } from '../../hsm/token.ts';

type Maker = Pick<Token, 'describe' | 'findById' | 'forget' | 'generate' | 'sign'>;
type Destroy = (label: string, id: string) => Promise<void>;

/** A key by its label and its CKA_ID (hex). */
type Placed = Readonly<Record<'label' | 'id', string>>;

/**
 * Whether the key is there already: its CKA_ID was written down, and an attempt that ended in a power cut has made it. Half a
 * key is destroyed.
 * @param hasSigned it has a leaf, or a CSR: it was whole once, so the fault is the token's
 * @throws TokenError
 */
export async function isWhole(
  token: Maker,
  { label, id }: Placed,
  hasSigned: () => Promise<boolean>,
  destroy: Destroy,
): Promise<boolean> {
  const left = await leftOf(token, id, hasSigned);
  if (left !== 'half') return left === 'whole';
  await destroy(label, id);
  token.forget(id);
  return false;
}

/** Makes a key, of the other type where the token makes none of the first. @throws TokenError */
export function generatedOr(token: Maker, { label, id }: Placed, keyType: KeyType, otherType: KeyType | undefined) {
  return token.generate(label, keyType, id).catch((error: unknown) => {
    if (otherType === undefined || !isUnknown(error)) throw error;
    return token.generate(label, otherType, id);
  });
}

/**
 * The remains of a key after an interrupted attempt. SoftHSM 2.6.1 writes a new key in several steps: cut off between them, it
 * lists the key without its public half, or answers each C_Sign with it by CKR_GENERAL_ERROR, for ever. A process that was
 * killed may leave its key to a server, which makes it after the next one has been asked for: two with one CKA_ID.
 * @throws TokenError any other error: no key is destroyed because a token failed
 */
async function leftOf(token: Maker, id: string, hasSigned: () => Promise<boolean>) {
  try {
    const key = await token.findById(id);
    if (key === undefined) return undefined;
    if (isProtected(await token.describe(key)) && (await signs(token, key))) return 'whole';
    throw new TokenError('failed', 'KEY_HALF_MADE', `The key "${key.label}" is not as the token has made it.`);
  } catch (error) {
    if (!(error instanceof TokenError) || !HALF.has(error.code) || (await hasSigned())) throw error;
    return 'half';
  }
}

const HALF = new Set(['CKR_GENERAL_ERROR', 'PUBLIC_KEY_NOT_FOUND', 'KEY_HALF_MADE', 'KEY_ID_SHARED']);

async function signs(token: Maker, key: PublicKey): Promise<boolean> {
  const message = Buffer.from(key.id);
  const spki = createPublicKey({ key: key.spki, format: 'der', type: 'spki' });
  return verify(digestOf(key.keyType), message, spki, await token.sign(key, message));
}

const isUnknown = (error: unknown): boolean => error instanceof TokenError && error.code === 'KEY_TYPE_UNKNOWN';
