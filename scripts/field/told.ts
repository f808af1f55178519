import type { KeyType } from '../../hsm/public-key.ts';
import type { Lack } from '../../test/contract/token/softhsm.ts';

/** What `scripts/field/token` was told of the token. */
export interface Told {
  readonly module: string;
  /** Label of the token. */
  readonly token: string;
  /** The PIN goes into no environment and no command line. */
  readonly pinFile: string;
  readonly lacks: readonly Lack[];
  readonly pull: boolean;
}

/** What the suite is handed, as JSON in NEWLEAF_FIELD. */
export interface Field extends Told {
  readonly directory: string;
  readonly keyTypes: readonly KeyType[];
}

export const LACKS: readonly Lack[] = ['local', 'usage', 'halves', 'sight', 'long-life', 'pss'];

/** Labels of the contract suite (test/contract/token): it makes objects with these, and destroys by them. */
export const USED: readonly string[] = [
  ...['newleaf-a', 'newleaf-b', 'newleaf-x', 'factory', 'made-elsewhere'],
  ...['ec-p256', 'ec-p384', 'rsa-2048'].flatMap((keyType) => [`${keyType}-a`, `${keyType}-b`]),
];
