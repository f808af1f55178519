export const REDACTED = '[redacted]';

/** Names of settings, options and fields whose value is a secret. `token` is none: it is where our keys are. */
const LONG =
  'password|passwd|passphrase|passwort|secret|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|symmetric[_-]?key|shared[_-]?access[_-]?signature|credentials?|(?:auth|access|refresh|bearer|session)[_-]?token';
/** The same, but only as a word of the name: `spin` is none. */
const SHORT = 'pin|pin-value|pwd|sas|sig';
/** `password_file` names a file; `PASSWORD_2` does not. */
const REST = '(?![\\w-]*(?:file|path|directory|name)\\b)[\\w-]*';
const NAMES = `(?:[\\w.-]*(?:${LONG})${REST}|(?:[\\w.-]*[_.-])?(?:${SHORT}))`;
const IS_NAME = new RegExp(`^${NAMES}$`, 'i');
const VALUE = String.raw`(?:\[redacted\]|"(?:\\.|[^"\\])*"|'[^']*'|\\"(?:(?!\\").)*\\"|[^\s"',;&})\]]+)`;

/** Text that looks like a secret, wherever it comes from, and what may stay of it. */
const LOOKS: readonly (readonly [look: RegExp, left: string])[] = [
  [/-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----[\s\S]*?(?:-----END \1PRIVATE KEY-----|$)/g, REDACTED],
  // user:password@ of a URL (RFC 3986 section 3.2.1).
  [/\b([a-z][a-z0-9+.-]{0,15}:\/\/)[^\s/@"']+@/gi, `$1${REDACTED}@`],
  [/\b(authorization\\?["']?\s*[:=]\s*)[^"'\r\n\\]*["']?[^"'\r\n\\]*/gi, `$1${REDACTED}`],
  [/\bSharedAccessSignature\s+\S+/gi, `SharedAccessSignature ${REDACTED}`],
  [/\b(Basic|Bearer|Digest)\s+(?=\S*[\d=+/])[\w.~+/=-]{8,}/g, `$1 ${REDACTED}`],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, REDACTED],
  [new RegExp(`(?<![\\w.-])(${NAMES}(?:\\\\?["'])?\\s*(?:=|:(?!//))\\s*)${VALUE}`, 'gi'), `$1${REDACTED}`],
  [new RegExp(`(?<![\\w-])(--?${NAMES}\\s+)(?!-)${VALUE}`, 'gi'), `$1${REDACTED}`],
  [/\b(pin\s+(?:is\s+)?)["']?\d{4,}["']?/gi, `$1${REDACTED}`],
  // The keys of Azure: 32 or 64 bytes in base64.
  [/(?<![\w+/=])(?:[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==)(?![\w+/=])/g, REDACTED],
];

/** Shorter texts occur by chance, and a gap in a date would tell what the secret is. */
const LEAST_ANYWHERE = 6;
const LEAST_WORD = 4;

/**
 * Takes out text that looks like a secret, and the known secrets in every form that they are written in.
 * @param secrets the content of this gateway's secret files
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const known = secrets.flatMap((secret) => shapesOf(secret).map((shape) => ({ shape, length: secret.length })));
  // The longest first: one secret may be the beginning of another.
  const patterns = known.toSorted((one, other) => other.shape.length - one.shape.length).map(patternOf);
  const isKnown = patterns.length === 0 ? undefined : new RegExp(patterns.join('|'), 'g');
  return (text) => {
    const without = isKnown === undefined ? text : text.replace(isKnown, REDACTED);
    return LOOKS.reduce((left, [look, instead]) => left.replace(look, instead), without);
  };
}

/** The same for JSON, which stays JSON. */
export function redactJson(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((one) => redactJson(one, redact));
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => {
    const isSecret = IS_NAME.test(name) && (typeof field === 'string' || typeof field === 'number');
    return [redact(name), isSecret ? REDACTED : redactJson(field, redact)];
  });
  return Object.fromEntries(fields);
}

/** @param length of the secret, not of its shape */
function patternOf({ shape, length }: { shape: string; length: number }): string {
  const literal = shape.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return length >= LEAST_ANYWHERE ? literal : `(?<![A-Za-z0-9])${literal}(?![A-Za-z0-9])`;
}

/** A secret as it is, in JSON, in a URL, in hex and in base64. */
function shapesOf(secret: string): readonly string[] {
  if (secret.length < LEAST_WORD) return [];
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const base64 = secret.length < LEAST_ANYWHERE ? [bytes.toString('base64')] : inside(bytes);
  const shapes = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), hex, hex.toUpperCase()];
  const urlSafe = base64.map((one) => one.replaceAll('+', '-').replaceAll('/', '_'));
  return [...new Set([...shapes, ...base64, ...urlSafe])];
}

/** Its base64 in the middle of something longer, as in "user:password": three ways, by where it begins. */
function inside(bytes: Buffer): readonly string[] {
  return [0, 1, 2].map((shift) => {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes]);
    const whole = padded.toString('base64').replace(/=+$/, '');
    // The first and the last digit may hold bits of the neighbours.
    return whole.slice(Math.ceil((shift * 8) / 6), Math.floor((padded.length * 8) / 6));
  });
}
