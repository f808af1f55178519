import { fileURLToPath } from 'node:url';
import { formatUri } from '../../../../hsm/uri.ts';

/** Where a key or a certificate of aziot-identity-service is: in a file, or in a token. */
export interface AziotPlace {
  readonly file?: string;
  /** For newleaf, without its PIN. */
  readonly uri?: string;
  readonly token?: string | undefined;
  readonly pin?: string | undefined;
}

/**
 * Reads a place as aziot writes it: a file: URI, or a pkcs11: URI with `token`, `slot-id`, `object` and `pin-value`, of which
 * `slot-id` names a token by a number that another module, or the next start, may count otherwise.
 * @returns undefined where it is neither
 */
export function aziotPlace(written: string): AziotPlace | undefined {
  try {
    if (written.startsWith('file:')) return { file: fileURLToPath(written) };
    if (!written.startsWith('pkcs11:')) return undefined;
    const [path = '', query = ''] = written.slice('pkcs11:'.length).split(/\?(.*)/s);
    const [token, object] = [valueIn(path, ';', 'token'), valueIn(path, ';', 'object')];
    const uri = formatUri({ ...(token !== undefined && { token }), ...(object !== undefined && { object }) });
    return { uri, token, pin: valueIn(query, '&', 'pin-value') };
  } catch {
    // A file on another host, or a % without two hex digits.
    return undefined;
  }
}

function valueIn(part: string, separator: string, name: string): string | undefined {
  const found = part.split(separator).find((one) => one.startsWith(`${name}=`));
  return found === undefined ? undefined : decodeURIComponent(found.slice(name.length + 1));
}
