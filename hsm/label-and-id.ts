import { TokenError } from './ckr.ts';

const NAMED_BY_BOTH = 'A key is made and destroyed only by its label and its CKA_ID.';

/** @throws TokenError LABEL_AND_ID_REQUIRED */
export function assertLabelAndId(label: string, id: string): void {
  const isNamed = label !== '' && /^([0-9a-f]{2})+$/.test(id);
  if (!isNamed) throw new TokenError('failed', 'LABEL_AND_ID_REQUIRED', NAMED_BY_BOTH);
}

/** @param what is in the place of a new key */
export const occupiedBy = (what: string): TokenError =>
  new TokenError(
    'occupied',
    'LABEL_OCCUPIED',
    `The token already holds ${what}, and the records of newleaf do not say that newleaf made it.`,
  );
