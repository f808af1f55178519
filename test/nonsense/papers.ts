import { pkcs7, pkcs7Indefinite } from '../unit/certificate/deliver.ts';
import { type Minted, mint, mintCa } from '../unit/certificate/mint.ts';

/** A leaf and its CA, in each form in which they are delivered. */
export interface Papers {
  readonly ca: Minted;
  readonly leaf: Minted;
  /** PKCS#7. */
  readonly chain: Buffer;
  readonly indefinite: Buffer;
}

export async function papers(): Promise<Papers> {
  const ca = await mintCa();
  const leaf = await mint({ by: ca, eku: ['1.3.6.1.5.5.7.3.2'], ku: ['digitalSignature'], ca: false });
  return { ca, leaf, chain: pkcs7(leaf, ca), indefinite: pkcs7Indefinite(leaf, ca) };
}
