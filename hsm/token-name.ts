import type { Pkcs11Uri } from './uri.ts';

/** A token as it introduces itself (CK_TOKEN_INFO), without the blanks that pad its strings. */
export interface TokenName {
  readonly label: string;
  readonly serial: string;
  readonly manufacturer: string;
  readonly model: string;
}

/** Whether the token is the one that the URI names, by the attributes of CK_TOKEN_INFO. */
export function matches(name: TokenName, wanted: Pkcs11Uri): boolean {
  return (
    (wanted.token ?? name.label) === name.label &&
    (wanted.serial ?? name.serial) === name.serial &&
    (wanted.manufacturer ?? name.manufacturer) === name.manufacturer &&
    (wanted.model ?? name.model) === name.model
  );
}
