import { TokenError } from './ckr.ts';

/** A PKCS#11 URI (RFC 7512); an attribute that is absent matches everything. */
export interface Pkcs11Uri {
  readonly token?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly model?: string | undefined;
  readonly serial?: string | undefined;
  readonly object?: string | undefined;
  readonly type?: string | undefined;
  /** CKA_ID: bytes, not text. */
  readonly id?: Buffer;
  /** The query attribute `pin-source`. */
  readonly pinSource?: string;
}

const SCHEME = 'pkcs11:';
const TEXT = ['token', 'manufacturer', 'model', 'serial', 'object', 'type'] as const;

const isText = (name: string): name is (typeof TEXT)[number] => TEXT.some((known) => known === name);
const invalid = (why: string): TokenError => new TokenError('missing', 'URI_INVALID', `PKCS#11 URI: ${why}`);

/**
 * Reads a PKCS#11 URI. An attribute that is not listed in Pkcs11Uri is refused, because without it the URI would match more
 * tokens than its author meant; so is `pin-value`, which libp11 prints to stderr when the key is not found.
 * @throws TokenError URI_INVALID with the reason
 */
export function parseUri(uri: string): Pkcs11Uri {
  if (uri.slice(0, SCHEME.length).toLowerCase() !== SCHEME) throw invalid('must begin with "pkcs11:"');
  const [path = '', query = ''] = uri.slice(SCHEME.length).split(/\?(.*)/s);
  const found: { -readonly [name in keyof Pkcs11Uri]: Pkcs11Uri[name] } = {};
  for (const [name, value] of attributes(path, ';')) {
    if (name === 'id') {
      // TLS cannot name an object by an empty CKA_ID.
      if (value === '') throw invalid('"id" is empty');
      found.id = bytes(value);
    } else if (isText(name)) found[name] = text(name, value);
    else throw invalid(`attribute "${name}" is not supported`);
  }
  for (const [name, value] of attributes(query, '&')) {
    if (name !== 'pin-source') {
      const instead = name.startsWith('module-') ? ': the module is named by hsm.module' : '';
      throw invalid(`query attribute "${name}" is not supported${instead}`);
    }
    found.pinSource = text(name, value);
  }
  return found;
}

/** Stands for bytes that are no UTF-8: a label in Latin-1, or one that 32 bytes cut in the middle of a character. */
const UNREADABLE = '\uFFFD';

/**
 * Writes a PKCS#11 URI, with everything percent-encoded that is not unreserved (RFC 3986 section 2.3). What cannot be read is
 * left out: OpenSSL compares bytes, which are not known here.
 */
export function formatUri(uri: Pkcs11Uri): string {
  const path = TEXT.flatMap((name) => {
    const value = uri[name];
    return value === undefined || value.includes(UNREADABLE) ? [] : [`${name}=${encodeURIComponent(value)}`];
  });
  if (uri.id !== undefined) path.push(`id=${[...uri.id].map((byte) => `%${hex(byte)}`).join('')}`);
  return `${SCHEME}${path.join(';')}${uri.pinSource === undefined ? '' : `?pin-source=${encodeQuery(uri.pinSource)}`}`;
}

/** The names of a token (CK_TOKEN_INFO), without the blanks that pad them. */
export interface TokenName {
  readonly label: string;
  readonly serial: string;
  readonly manufacturer: string;
  readonly model: string;
}

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

function attributes(part: string, separator: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const piece of part.split(separator).filter((one) => one !== '')) {
    const [name = '', value] = piece.split(/=(.*)/s);
    if (value === undefined) throw invalid(`"${name}" has no value`);
    // RFC 7512 section 2.3: "a PKCS #11 URI MUST NOT contain duplicate attributes of the same name in the URI path component";
    // none of the accepted query attributes makes sense twice either.
    if (found.has(name)) throw invalid(`attribute "${name}" appears twice`);
    found.set(name, value);
  }
  return found;
}

function bytes(value: string): Buffer {
  if (/%(?![0-9a-f]{2})/i.test(value)) throw invalid(`"${value}" has a % without two hex digits`);
  const parts = value.match(/%[0-9a-f]{2}|[^%]+/gi) ?? [];
  return Buffer.concat(parts.map((one) => (one[0] === '%' ? Buffer.from(one.slice(1), 'hex') : Buffer.from(one))));
}

function text(name: string, value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes(value));
  } catch (error) {
    throw error instanceof TokenError ? error : invalid(`"${name}" is not UTF-8`);
  }
}

// RFC 7512 section 2.3 lets both stand in a query, and they keep a file name readable.
const encodeQuery = (value: string): string => encodeURIComponent(value).replace(/%2F/g, '/').replace(/%3A/g, ':');

const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0');
