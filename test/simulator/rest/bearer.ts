import { createHmac } from 'node:crypto';
import type { Access } from './sas.ts';

/** What a token of Entra ID must be for (concepts-control-access-dps-azure-ad, authenticate-authorize-azure-ad). */
export const AUDIENCES = {
  dps: 'https://azure-devices-provisioning.net',
  hub: 'https://iothubs.azure.net',
  arm: 'https://management.azure.com',
} as const;

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const signed = (text: string, key: string): string => createHmac('sha256', key).update(text).digest('base64url');

/**
 * A token as Entra ID gives it, but signed by the key of the policy: the real services ask Entra ID for its public keys.
 * @param expires milliseconds since the epoch
 */
export function bearerToken({ key }: Pick<Access, 'key'>, audience: string, expires: number): string {
  const text = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded({ aud: audience, exp: Math.trunc(expires / 1_000) })}`;
  return `${text}.${signed(text, key)}`;
}

/** Why such a token does not let anybody in, or undefined where it does. */
export function bearerRefusal(token: string, { key }: Access, audience: string, now: number): string | undefined {
  const [head = '', body = '', signature = ''] = token.split('.');
  if (signature !== signed(`${head}.${body}`, key)) return 'the token is not signed by us';
  const { aud, exp } = JSON.parse(Buffer.from(body, 'base64url').toString());
  if (aud !== audience) return `a token for ${aud}`;
  return exp * 1_000 > now ? undefined : 'the token has expired';
}
