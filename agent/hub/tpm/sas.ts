import { promisify } from 'node:util';
import common from 'azure-iot-common';
import type { Assignment } from '../../roll/leaf.ts';

/** The lifetime of the tokens of azure-iot-security-tpm 1.9.3 (tpm_authentication_provider.js). */
export const TOKEN_MS = 3_600_000;

/**
 * A SharedAccessSignature for `{hub}/devices/{deviceId}` that ends `lifeMs` from `now` (iot-hub-dev-guide-sas).
 * @param sign HMAC-SHA256 with the key that the hub knows
 * @throws what `sign` throws
 */
export async function hubToken(
  { hub: host, deviceId }: Assignment,
  sign: (message: Uint8Array) => Promise<Buffer>,
  now: number,
  lifeMs = TOKEN_MS,
): Promise<string> {
  const create = promisify(common.SharedAccessSignature.createWithSigningFunction);
  const signing = (message: Buffer, done: (error?: Error, signature?: Buffer) => void) =>
    void sign(message).then((signature) => done(undefined, signature), done);
  const token = await create({ host, deviceId }, Math.floor((now + lifeMs) / 1_000), signing);
  return String(token);
}
