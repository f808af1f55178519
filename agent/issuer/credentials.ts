import type { HttpsReply } from './answer.ts';

const REDACTED = '[redacted]';

/** Named character references that servers write (HTML, section 13.5). */
const NAMED: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' };

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);

/** One character as it is, in JSON, in a URL and in HTML. Servers write white space in any way. */
function written(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  const named = NAMED[character];
  const ways = [
    literal(character),
    literal(JSON.stringify(character).slice(1, -1)),
    literal(`\\${character}`),
    ...[...character].map((unit) => `\\\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    `&#0*${point};`,
    `&#x0*${point.toString(16)};`,
    ...(named === undefined ? [] : [`&${named};`]),
    ...(/\s/.test(character) ? [String.raw`\s+`, String.raw`\+`, '&nbsp;'] : []),
  ];
  return `(?:${[...new Set(ways)].join('|')})`;
}

/** Base64 with or without its padding, perhaps for URLs, perhaps over several lines. */
function encoded(base64: string): string {
  const digits = [...base64.replace(/=+$/, '')].map((digit) =>
    digit === '+' ? '(?:[-+]|%2b)' : digit === '/' ? '(?:[_/]|%2f)' : digit,
  );
  return `${digits.join(String.raw`\s*`)}(?:\\s*(?:=|%3d))*`;
}

/**
 * An answer without our credentials: an error page that shows the request must not bring the password into log and status.
 * Issued certificates are left as they are.
 * @param authorization `Basic …`, as it was sent
 */
export function withoutCredentials(reply: HttpsReply, authorization: string): HttpsReply {
  const base64 = authorization.replace(/^Basic /, '');
  const [, password = ''] = /:(.*)$/s.exec(Buffer.from(base64, 'base64').toString()) ?? [];
  const looks = [encoded(base64), ...(password === '' ? [] : [[...password].map(written).join('')])];
  const known = new RegExp(looks.join('|'), 'gi');
  const clean = (text: string) => text.replaceAll(known, REDACTED);
  const each = (value?: string | string[]) => (typeof value === 'string' ? clean(value) : value?.map(clean));
  const headers = Object.fromEntries(Object.entries(reply.headers).map(([name, value]) => [name, each(value)]));
  if (reply.status === 200) return { ...reply, headers };
  const text = clean(reply.body.toString());
  // A cut body may end in the beginning of our credentials: remove as much as they could take in any form.
  const body = reply.cut ? text.slice(0, -LONGEST_WAY * (base64.length + password.length)) : text;
  return { ...reply, headers, body: Buffer.from(body) };
}

/** `&#x00e9;`, with room. */
const LONGEST_WAY = 12;
