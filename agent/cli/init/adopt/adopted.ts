import type { KeyObject } from 'node:crypto';

export interface KeyInFile {
  readonly file: string;
  readonly object: KeyObject;
}

/** The identity that newleaf begins with, instead of a key of its own. With no field, init looks for it in the token. */
export interface Adopted {
  /** From a file, leaf first. */
  readonly chain?: string | undefined;
  /** It is brought into the token. */
  readonly key?: KeyInFile | undefined;
  /** The key is in the token already. */
  readonly uri?: string | undefined;
  /** Of the token that holds the key. */
  readonly pin?: string | undefined;
  /** Undefined where newleaf does not know the program that was here. */
  readonly aziot?: { readonly isEdge: boolean } | undefined;
}
