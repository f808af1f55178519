import { formatUri, type Pkcs11Uri } from './uri.ts';

/** The names of a token (CK_TOKEN_INFO), without the blanks that pad them. */
export interface TokenName {
  readonly label: string;
  readonly serial: string;
  readonly manufacturer: string;
  readonly model: string;
}

/** Whether the URI names this token, by the attributes of CK_TOKEN_INFO. */
export function matches(name: TokenName, wanted: Pkcs11Uri): boolean {
  return (
    (wanted.token ?? name.label) === name.label &&
    (wanted.serial ?? name.serial) === name.serial &&
    (wanted.manufacturer ?? name.manufacturer) === name.manufacturer &&
    (wanted.model ?? name.model) === name.model
  );
}

/** Names this token and no other: two may have one label, and the second may appear while newleaf runs. */
export const uriOf = ({ label, serial, manufacturer, model }: TokenName): string =>
  formatUri({ token: label, serial, manufacturer, model });
