import { createHmac, timingSafeEqual } from 'node:crypto';

/** Who may drive the REST side of one server: a shared access policy and its key. */
export interface Access {
  /** Host of the server as the connection string names it. */
  readonly host: string;
  readonly policy: string;
  /** Base64. */
  readonly key: string;
}

/** What an operator gets from the portal. */
export function connectionString({ host, policy, key }: Access): string {
  return `HostName=${host};SharedAccessKeyName=${policy};SharedAccessKey=${key}`;
}

/**
 * Why an Authorization header does not let anybody in, or undefined where it does.
 * The signature is HMAC-SHA256 over `sr`, a line feed, and `se` (seconds since the epoch), as both were sent
 * (iot-hub-dev-guide-sas). The services say "Unauthorized" whatever the reason: it is for the log.
 */
export function sasRefusal(
  authorization: string | undefined,
  { host, policy, key }: Access,
  now: number,
): string | undefined {
  const [scheme, token = ''] = authorization?.split(' ') ?? [];
  if (scheme !== 'SharedAccessSignature') return 'no shared access signature';
  const fields = new Map(
    token.split('&').map((field) => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]),
  );
  const [sr = '', sig = '', se = '', skn = ''] = ['sr', 'sig', 'se', 'skn'].map((name) => fields.get(name));
  if (decoded(sr).toLowerCase() !== host) return `signed for ${decoded(sr)}`;
  if (decoded(skn) !== policy) return `no policy "${decoded(skn)}"`;
  const expected = createHmac('sha256', Buffer.from(key, 'base64')).update(`${sr}\n${se}`).digest();
  const given = Buffer.from(decoded(sig), 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'the signature is wrong';
  return Number(se) * 1_000 > now ? undefined : 'the signature has expired';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
