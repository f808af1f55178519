import '../../simulator/reflect.ts';
import { type webcrypto, X509Certificate } from 'node:crypto';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { octets, sequence } from '../../../hsm/der.ts';
import type { IssuePolicy } from '../../simulator/ca.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import { armored } from '../../unit/certificate/deliver.ts';
import { type Minted, mint, mintCa } from '../../unit/certificate/mint.ts';
import { lifetime } from './libest.ts';

/** Certificates as DER, in the order in which they are delivered. */
export type Delivered = readonly Buffer[];

/** What a CA makes of a request: something that the simulator's CA can be told, or what the test itself makes of it. */
export type Wish =
  | { readonly policy: IssuePolicy }
  | { readonly forge: (csrPem: string, far: Simulator) => Promise<Delivered> };

export const ordinary: Wish = { policy: {} };

/** What the simulator's CA, or the test, makes of a request. */
export async function granted(wish: Wish, csrPem: string, far: Simulator): Promise<Delivered> {
  return 'forge' in wish ? wish.forge(csrPem, far) : certificatesIn(await far.issue(csrPem, wish.policy));
}

/** The certificates of a PEM text, as DER. */
export const certificatesIn = (pem: string): Buffer[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (one) => new X509Certificate(one).raw,
  );

export const pemOf = (delivered: Delivered): string => delivered.map((der) => armored('CERTIFICATE', der)).join('');

/** The root first, and the leaf last. */
export const reversed: Wish = {
  forge: async (csrPem, far) => certificatesIn((await far.issue(csrPem)) + far.endpoints.estCaPem).reverse(),
};

/** A leaf whose issuer is delivered with it, and has not signed it. */
export const unlinked: Wish = {
  forge: async (csrPem) => {
    const [genuine, impostor] = await Promise.all([mintCa(lifetime()), mintCa(lifetime())]);
    return [(await certified(csrPem, impostor)).der, genuine.der];
  },
};

/** A certificate for the key and name of the request that could sign others. */
export const authority: Wish = {
  forge: async (csrPem) => [(await certified(csrPem, await mintCa(lifetime()), true)).der],
};

/** Looks like a certificate until somebody opens it. */
export const garbage: Wish = { forge: async () => [sequence(octets(Buffer.alloc(400, 'no certificate ')))] };

async function certified(csrPem: string, by: Minted, ca = false): Promise<Minted> {
  const publicKey: webcrypto.CryptoKey = await new Pkcs10CertificateRequest(csrPem).publicKey.export();
  return mint({ by, ca, keys: { ...by.keys, publicKey }, ...lifetime() });
}
