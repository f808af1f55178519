import { blocksOf, wrapped } from '../../agent/certificate/pem.ts';
import type { KeyRef } from '../../agent/roll/leaf.ts';

/** A CSR for a key, PEM: what stands in for the DER says which key. */
export const csrFor = (key: KeyRef): string =>
  `-----BEGIN CERTIFICATE REQUEST-----\n${wrapped(Buffer.from(JSON.stringify(key)))}-----END CERTIFICATE REQUEST-----\n`;

export function keyIn(csr: string): KeyRef {
  const { slot, id } = JSON.parse(String(blocksOf(csr)[0]?.der));
  return { slot, id };
}
