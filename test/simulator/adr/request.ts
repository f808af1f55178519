import '../reflect.ts';
import { KeyObject, type webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export interface Request {
  /** PKCS#8, PEM. */
  readonly key: string;
  /** Base64 of the DER of a PKCS#10. */
  readonly csr: string;
}

const KEYS = {
  'P-256': { name: 'ECDSA', namedCurve: 'P-256' },
  'P-384': { name: 'ECDSA', namedCurve: 'P-384' },
  'RSA-2048': {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  },
} as const;

/** A key of its own, and a request for it. */
export async function newRequest(cn: string, kind: keyof typeof KEYS = 'P-256'): Promise<Request> {
  const keys = (await crypto.subtle.generateKey(KEYS[kind], true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: new x509.Name([{ CN: [cn] }]),
    keys,
    signingAlgorithm: { name: KEYS[kind].name, hash: 'SHA-256' },
  });
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
  return { key, csr: Buffer.from(request.rawData).toString('base64') };
}

/** PEM of base64 DER, leaf first. */
export const pemOf = (chain: readonly string[]): string =>
  chain.map((der) => new x509.X509Certificate(der).toString('pem')).join('\n');
