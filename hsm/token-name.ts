import { formatUri, type Pkcs11Uri } from './uri.ts';

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

/** Names this token and no other: two may have one label, and one of them may come while newleaf is at work. */
export const uriOf = ({ label, serial, manufacturer, model }: TokenName): string =>
  formatUri({ token: label, serial, manufacturer, model });
