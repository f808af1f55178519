import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { Fault } from '../failure/failure.ts';
import type { KeyRef, Leaf } from '../roll/leaf.ts';
import { linkUp, type Path, sentOf } from './chain.ts';
import { keyUsageOf, saysCa } from './der.ts';
import { at, commonNamesOf, issuerOf, named, validityOf } from './name.ts';
import { CLIENT_AUTH, otherUseOf } from './openssl.ts';
import { certificatePem, certificatesOf } from './pem.ts';
import { demandStrongKey, kindOf } from './strength.ts';

const LONGER = 'Operator of the CA: issue a longer lifetime, or one that begins later';
const LEAST_LEFT_MS = 60_000;
/**
 * Certificates of the same name are tried as issuers of each other: 350 of one name, 223 KiB, would hold the loop for two
 * minutes (P-521, a fast machine), and a file in the inbox does it again after each restart. No CA delivers so many.
 */
const MOST_CERTIFICATES = 50;

/** The requirements for the new leaf. Moments are milliseconds since the epoch. */
export interface Expected {
  readonly key: KeyRef;
  /** DER SubjectPublicKeyInfo of that key. */
  readonly spki: Buffer;
  /** The registration ID. */
  readonly cn: string;
  readonly now: number;
  /** The moment when this leaf falls due under leaf.renew_at; undefined for "off". */
  readonly renewAt: (leaf: Pick<Leaf, 'notBefore' | 'notAfter' | 'serial'>) => number | undefined;
  /** The leaf.renew_at under which it would not be due at that moment, as it is written; undefined where there is none. */
  readonly fitting?: (leaf: Pick<Leaf, 'notBefore' | 'notAfter'>, usable: number) => string | undefined;
  readonly currentNotAfter?: number;
  /** PEM: the chain of the current leaf, for certificates that the next one lacks. */
  readonly currentChain?: string;
}

export interface Verified {
  readonly leaf: Leaf;
  readonly paths: readonly Path[];
  readonly notes: string[];
}

/**
 * The conditions for installing an issued leaf, but for those that OpenSSL judges (openssl.ts). Takes PEM with the leaf and its
 * intermediates in any order, and answers with the leaf, its chain in TLS order, the ways up (the first is that of the chain), and
 * notes about oddities that are no fault.
 *
 * Throws only `Fault`, with one NL-LEAF code; its message names both values, the expected and the delivered. All are refusals
 * but NL-LEAF-NOT-YET, which passes with time and is therefore judged last.
 */
export function verify(delivered: string, expected: Expected): Verified {
  const expectedKey = createPublicKey({ key: expected.spki, format: 'der', type: 'spki' });
  try {
    return judge(certificatesOf(delivered), expectedKey, expected);
  } catch (cause) {
    // X509Certificate parses some fields on access only, so damage may show anywhere
    if (cause instanceof Fault) throw cause;
    const message = `Expected certificates in PEM; the ${delivered.length} characters delivered cannot be read as such.`;
    throw new Fault('NL-LEAF-PARSE', { message, cause });
  }
}

function judge(delivered: readonly Buffer[], expectedKey: KeyObject, expected: Expected): Verified {
  if (delivered.length > MOST_CERTIFICATES) {
    const most = `the leaf and its intermediates, ${MOST_CERTIFICATES} certificates at most`;
    throw new Fault('NL-LEAF-CHAIN', { message: `Expected ${most}; delivered were ${delivered.length}.` });
  }
  const certificates = delivered.map((der) => new X509Certificate(der));
  const [first] = certificates;
  if (first === undefined) throw new Error('no certificate block');
  const leaf = leafAmong(certificates, expectedKey);
  if (leaf === undefined) {
    const other = certificates.find(({ ca }) => !ca) ?? first;
    const what = `${named(other)} with the key ${fingerprint(other.publicKey)}`;
    throw new Fault('NL-LEAF-KEY', { message: `Expected the key ${fingerprint(expectedKey)}; delivered was ${what}.` });
  }
  demandStrongKey(leaf); // before any name is read, see name.ts
  demandEndEntity(leaf);
  demandCn(leaf, expected.cn);
  demandClientUse(leaf);
  demandValidity(leaf, expected);
  const current = certificatesOf(expected.currentChain ?? '').map((der) => new X509Certificate(der));
  const { path, otherPaths, notes } = linkUp(leaf, certificates, expected.now, current);
  demandBegun(sentOf(path), expected.now);

  const { notBefore, notAfter } = validityOf(leaf);
  if (expected.currentNotAfter !== undefined && notAfter < expected.currentNotAfter) {
    notes.push(`The leaf ends at ${at(notAfter)}, before the current one (${at(expected.currentNotAfter)}).`);
  }
  return {
    leaf: {
      key: expected.key,
      chain: chainOf(path),
      thumbprint: leaf.fingerprint256.replaceAll(':', ''),
      cn: expected.cn,
      serial: leaf.serialNumber,
      issuer: issuerOf(leaf),
      notBefore,
      notAfter,
    },
    paths: [path, ...otherPaths],
    notes,
  };
}

/** What is sent, PEM. */
export const chainOf = (path: Path): string =>
  sentOf(path)
    .map(({ raw }) => certificatePem(raw))
    .join('');

/** The certificate for our key; where a key was certified more than once, the one issued last. */
function leafAmong(certificates: readonly X509Certificate[], expectedKey: KeyObject): X509Certificate | undefined {
  const begin = (certificate: X509Certificate) => validityOf(certificate).notBefore;
  return certificates
    .filter((certificate) => isFor(certificate, expectedKey))
    .sort((one, other) => Number(one.ca) - Number(other.ca) || begin(other) - begin(one))
    .at(0);
}

function isFor(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.publicKey.equals(key);
  } catch {
    return false; // an unknown kind of key in this OpenSSL is not ours
  }
}

function demandEndEntity(leaf: X509Certificate): void {
  if (!leaf.ca && !saysCa(leaf)) return;
  const message = `Expected a leaf (basicConstraints CA:FALSE); ${named(leaf)} was delivered with CA:TRUE.`;
  throw new Fault('NL-LEAF-CA', { message });
}

function demandCn(leaf: X509Certificate, expected: string): void {
  const delivered = commonNamesOf(leaf);
  if (delivered.length === 1 && delivered[0] === expected) return;
  const names = delivered.map((name) => JSON.stringify(name)).join(' and ') || 'no CN';
  throw new Fault('NL-LEAF-CN', { message: `Expected the CN "${expected}"; delivered was ${names}.` });
}

function demandClientUse(leaf: X509Certificate): void {
  const other = otherUseOf(leaf);
  if (other !== undefined) {
    const message = `Expected the extended key usage to allow clientAuth (${CLIENT_AUTH}); delivered was ${other}.`;
    throw new Fault('NL-LEAF-EKU', { message });
  }
  const usage = keyUsageOf(leaf);
  if (usage !== undefined && !usage.includes('digitalSignature')) {
    const message = `Expected the key usage to allow digitalSignature; delivered was ${usage.join(', ') || 'none'}.`;
    throw new Fault('NL-LEAF-EKU', { message, advice: 'Operator of the CA: allow digitalSignature in the key usage.' });
  }
}

/** Judged at the moment when the leaf becomes usable: it is useless to wait for a leaf that is refused then. */
function demandValidity(leaf: X509Certificate, { now, renewAt, fitting }: Expected): void {
  const { notBefore, notAfter } = validityOf(leaf);
  const usable = Math.max(now, notBefore);
  if (notAfter - usable < LEAST_LEFT_MS) {
    const message = `Expected ${LEAST_LEFT_MS / 1000} s of validity or more from ${at(usable)} on; the delivered leaf ends at ${at(notAfter)}.`;
    throw new Fault('NL-LEAF-VALIDITY', { message });
  }
  const due = renewAt({ notBefore, notAfter, serial: leaf.serialNumber });
  if (due !== undefined && due <= usable) {
    const message = `Expected a leaf that is not yet due at ${at(usable)}; the delivered one (${at(notBefore)} to ${at(notAfter)}) is due at ${at(due)} under leaf.renew_at.`;
    const other = fitting?.({ notBefore, notAfter }, usable);
    const set = `; or set leaf.renew_at = ${other}, then \`systemctl restart newleaf\`.`;
    const advice = `${LONGER}${other === undefined ? '.' : set}`;
    throw new Fault('NL-LEAF-VALIDITY', { message, advice });
  }
}

/** A clock that is behind, or a CA that does not backdate: the chain is good, only later. */
function demandBegun(chain: readonly X509Certificate[], now: number): void {
  const begin = Math.max(...chain.map((certificate) => validityOf(certificate).notBefore));
  if (begin <= now) return;
  const message = `Expected a leaf that is valid now (${at(now)}); the delivered one is valid from ${at(begin)}.`;
  throw new Fault('NL-LEAF-NOT-YET', { message, retryAfterMs: begin - now });
}

/** Kind and SHA-256 of the DER SubjectPublicKeyInfo, which `openssl pkey -pubin -outform DER | sha256sum` prints too. */
function fingerprint(key: KeyObject): string {
  const spki = key.export({ type: 'spki', format: 'der' });
  return `${kindOf(key)} (SHA-256 ${createHash('sha256').update(spki).digest('hex')})`;
}
