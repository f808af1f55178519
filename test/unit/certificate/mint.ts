import '../../simulator/reflect.ts';
import { execFileSync } from 'node:child_process';
import { KeyObject, webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

type CryptoKeyPair = webcrypto.CryptoKeyPair;
const { subtle } = webcrypto;

/** The moment at which the tests judge. */
export const NOW = Date.parse('2030-06-01T00:00:00Z');
export const DAY = 86_400_000;

export interface Minted {
  readonly keys: CryptoKeyPair;
  readonly certificate: x509.X509Certificate;
  readonly pem: string;
  readonly der: Buffer;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Buffer;
}

/** What differs from an ordinary leaf: CN gw-0001, P-256, SHA-256, 30 days from one day ago, clientAuth. */
export interface Wish {
  readonly keys?: CryptoKeyPair;
  readonly subject?: string;
  /** Signs; self-signed without. */
  readonly by?: Minted;
  /** Instead of the subject of `by`. */
  readonly issuer?: string;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly ca?: boolean;
  readonly pathlen?: number;
  /** OIDs; no extension without. */
  readonly eku?: readonly string[];
  /** Subject alternative name of a server. */
  readonly ip?: string;
  /** No extension without. */
  readonly ku?: readonly (keyof typeof x509.KeyUsageFlags)[];
  /** Others. */
  readonly more?: readonly x509.Extension[];
  readonly signing?: { readonly name: string; readonly hash: string; readonly saltLength?: number };
}

export const ec = (namedCurve = 'P-256'): Promise<CryptoKeyPair> =>
  subtle.generateKey({ name: 'ECDSA', namedCurve }, true, ['sign', 'verify']);

export function rsa(modulusLength: number, name = 'RSASSA-PKCS1-v1_5', hash = 'SHA-256'): Promise<CryptoKeyPair> {
  const publicExponent = Uint8Array.of(1, 0, 1);
  return subtle.generateKey({ name, modulusLength, publicExponent, hash }, true, ['sign', 'verify']);
}

export async function mint(wish: Wish = {}): Promise<Minted> {
  const keys = wish.keys ?? (await ec());
  const subject = wish.subject ?? 'CN=gw-0001';
  const signingKey = wish.by?.keys.privateKey ?? keys.privateKey;
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: wish.issuer ?? wish.by?.certificate.subject ?? subject,
    notBefore: new Date(wish.notBefore ?? NOW - DAY),
    notAfter: new Date(wish.notAfter ?? NOW + 29 * DAY),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: wish.signing ?? { name: signingKey.algorithm.name, hash: 'SHA-256' },
    extensions: [
      ...(wish.ca === undefined ? [] : [new x509.BasicConstraintsExtension(wish.ca, wish.pathlen, true)]),
      ...(wish.eku === undefined ? [] : [new x509.ExtendedKeyUsageExtension([...wish.eku])]),
      ...(wish.ip === undefined ? [] : [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: wish.ip }])]),
      ...(wish.ku === undefined ? [] : [new x509.KeyUsagesExtension(flags(wish.ku), true)]),
      ...(wish.more ?? []),
    ],
  });
  const der = Buffer.from(certificate.rawData);
  return { keys, certificate, der, spki: spkiOf(keys), pem: `${certificate.toString('pem')}\n` };
}

const flags = (names: NonNullable<Wish['ku']>): number =>
  names.reduce((set, name) => set | x509.KeyUsageFlags[name], 0);

export const mintCa = (wish: Wish = {}): Promise<Minted> =>
  mint({ ca: true, subject: 'CN=Root', notBefore: NOW - 365 * DAY, notAfter: NOW + 365 * DAY, ...wish });

/** PKCS#10, PEM. */
export async function request(name: string, keys: CryptoKeyPair): Promise<string> {
  const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const made = await x509.Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm });
  return made.toString('pem');
}

/** DER SubjectPublicKeyInfo. */
export const spkiOf = ({ publicKey }: CryptoKeyPair): Buffer =>
  KeyObject.from(publicKey).export({ type: 'spki', format: 'der' });

/** The private key, PKCS#8 PEM. */
export const privateKeyPem = ({ privateKey }: CryptoKeyPair): string =>
  KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();

/** A self-signed leaf with what WebCrypto does not do: other curves, MD5. Valid from today, by the real clock. */
export function mintByOpenssl(...options: string[]): { pem: string; spki: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'newleaf-mint-'));
  try {
    const key = join(folder, 'key.pem');
    const run = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const leaf = ['-subj', '/CN=gw-0001', '-days', '90', '-addext', 'basicConstraints=critical,CA:FALSE'];
    const pem = run('req', '-x509', '-nodes', '-keyout', key, ...leaf, ...options);
    return { pem: pem.toString(), spki: run('pkey', '-in', key, '-pubout', '-outform', 'DER') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
