/** Said in place of a server's words. */
export const LEFT_OUT = "the server's answer repeats what was sent to it, and is left out";

/** So many characters in a row are no accident. A shorter text counts as a whole. */
const IN_A_ROW = 6;
/** JSON in JSON, in a URL. */
const DEEPEST = 4;

/**
 * The words of a server for log, status and screen: as a whole, or not at all where they have six or more characters in a row of
 * the password, or of the credentials in base64. A page of an error may show the request in any form: plain, in base64, in hex,
 * with the escapes of URLs, JSON and HTML, over several lines. Of a password that is shorter, all of it. Pure.
 * @param authorization `Basic …`, as it was sent; undefined where no secret was
 */
export function quoted(words: string, authorization: string | undefined): string {
  if (authorization === undefined) return words;
  const parts = new Set(secretsIn(authorization).flatMap(formsOf).flatMap(partsOf));
  const lengths = [...new Set([...parts].map(({ length }) => length))];
  for (const reading of readingsOf(words)) {
    for (const length of lengths) for (const part of windows(reading, length)) if (parts.has(part)) return LEFT_OUT;
  }
  return words;
}

/** Bytes as characters, so that a part of a character can be compared. */
const inBytes = (text: string): string => Buffer.from(text).toString('latin1');
const dense = (text: string): string => text.replace(/\s+/g, '');

function secretsIn(authorization: string): readonly string[] {
  const base64 = authorization.replace(/^Basic /, '');
  const pair = Buffer.from(base64, 'base64').toString('latin1');
  const password = pair.slice(pair.indexOf(':') + 1);
  return password === '' ? [] : [password, base64];
}

/** As it is, in hex, and in base64 wherever it begins in what is encoded. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, 'latin1');
  const inBase64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // Digits that are made of its bytes alone.
    return text.slice(Math.ceil((before * 4) / 3), Math.floor(((before + bytes.length) * 4) / 3));
  });
  const forUrls = inBase64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [dense(secret), bytes.toString('hex'), ...inBase64, ...forUrls];
}

const partsOf = (form: string): readonly string[] =>
  form === '' ? [] : [...windows(form, Math.min(IN_A_ROW, form.length))];

/** One at a time: a page has a quarter of a million of them. */
function* windows(text: string, length: number): Generator<string> {
  for (let at = 0; at + length <= text.length; at += 1) yield text.slice(at, at + length);
}

/** As it is, and with its escapes undone, again and again; without white space; and in lower case, as hex is compared. */
function readingsOf(words: string): readonly string[] {
  const found = [inBytes(words)];
  for (let last = words; found.length < DEEPEST; ) {
    const next = undone(last);
    if (next === last) break;
    found.push(inBytes(next));
    last = next;
  }
  return found.map(dense).flatMap((text) => [text, text.toLowerCase()]);
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };
const ESCAPE = /((?:%[\da-f]{2})+)|((?:\\u[\da-f]{4})+)|&#x0*([\da-f]{1,5});|&#0*(\d{1,6});|&(\w+);|\\([^u])|\+/gi;

function undone(text: string): string {
  return text.replace(ESCAPE, (all, url, units, hex, number, name, one) => {
    if (url) return Buffer.from(url.replaceAll('%', ''), 'hex').toString();
    if (units) return JSON.parse(`"${units}"`);
    if (hex || number) return String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(number));
    if (name) return NAMED[name.toLowerCase()] ?? all;
    // White space in JSON; `+` is a blank in a form.
    return one === undefined || /[bfnrt]/.test(one) ? ' ' : one;
  });
}
