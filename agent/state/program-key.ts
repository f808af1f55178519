import { createHash } from 'node:crypto';

/** The file of a program's key, in its directory. Written once: a record that is written again and again may be torn. */
export const KEY_FILE = 'key';

const sumOf = (key: string): string => createHash('sha256').update(key).digest('hex');

/** `KEY SHA-256`, one line. @param key Base64 of 32 bytes */
export const keyText = (key: string): string => `${key} ${sumOf(key)}\n`;

/** Undefined where the text is damaged. */
export function keyFrom(text: string): string | undefined {
  const [, key = '', sum] = /^([A-Za-z0-9+/=]{44}) ([0-9a-f]{64})\n$/.exec(text) ?? [];
  return sum !== undefined && sum === sumOf(key) ? key : undefined;
}
