import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { connectorOf, type TlsConnector } from '../../hsm/connector.ts';
import type { Identity } from '../../hsm/tls.ts';
import type { Token } from '../../hsm/token.ts';
import { certificatePem } from '../certificate/pem.ts';
import { readNamed } from '../machine/named-file.ts';

/** The identity for an EST server of a gateway without a leaf: each a PEM file or a pkcs11: URI. */
export interface Bootstrap {
  readonly certificate: string;
  readonly key: string;
}

const isUri = (place: string) => place.startsWith('pkcs11:');

/**
 * The bootstrap identity, read anew each time: a technician may have replaced the files.
 * @param ca PEM: the CAs of the EST server
 * @param inToken makes it where the key is in the token; without a chain the certificate lies there, too
 * @throws Fault NL-CONFIG; Error of OpenSSL for files that do not fit; what `inToken` throws
 */
export async function bootstrapWith<T>(
  { certificate, key }: Bootstrap,
  ca: string,
  inToken: (uri: string, chain: string | undefined) => Promise<T>,
  text = readNamed,
): Promise<T | TlsConnector> {
  const cert = isUri(certificate) ? undefined : await text('issuer.est.bootstrap_cert', certificate);
  if (isUri(key)) return inToken(key, cert);
  const pem = { cert, key: await text('issuer.est.bootstrap_key', key) };
  return connectorOf(createSecureContext({ ca, ...pem, minVersion: 'TLSv1.2' }));
}

/** A key in the token that is not the key of a leaf. @param chain without it, the certificate objects beside the key */
export async function identityInToken(
  token: Pick<Token, 'findByUri' | 'certificates'>,
  uri: string,
  chain: string | undefined,
  ca: string,
): Promise<Identity> {
  const { id, spki } = await token.findByUri(uri);
  return { id, chain: chain ?? inOrder(await token.certificates(id), spki), ca };
}

/** Factories put leaf and intermediates under one CKA_ID, and SoftHSM 2.6.1 lists objects in any order; TLS begins with the leaf. */
function inOrder(certificates: readonly Uint8Array[], spki: Uint8Array): string {
  const left = certificates.map((der) => new X509Certificate(der));
  const ordered: X509Certificate[] = [];
  const take = (isNext: (one: X509Certificate) => boolean) => {
    const found = left.find(isNext);
    if (found !== undefined) ordered.push(...left.splice(left.indexOf(found), 1));
    return found;
  };
  let last = take(({ publicKey }) => publicKey.export({ type: 'spki', format: 'der' }).equals(spki));
  while (last !== undefined) {
    const { issuer } = last;
    last = take(({ subject }) => subject === issuer);
  }
  return [...ordered, ...left].map(({ raw }) => certificatePem(raw)).join('');
}
