import type { X509Certificate } from 'node:crypto';
import { Fault } from '../failure/failure.ts';
import { saysCa } from './der.ts';
import { at, named, validityOf } from './name.ts';
import { demandStrongKey, demandStrongSignature } from './strength.ts';

/**
 * Brings delivered certificates into the order TLS sends them: the leaf, its issuer, the issuer of that. A self-signed root at
 * the end is verified and left out ("may be omitted from the chain", RFC 8446 section 4.4.2), a certificate that issued none
 * of them is dropped with a note. The issuer of the last one need not be there: most CAs deliver no root, and the far side has
 * it.
 *
 * DPS refuses a chain that ends below an intermediate where a CA above that one is enrolled or verified, and its words do not
 * say that an intermediate is missing. So missing certificates are taken from the chain of the current leaf (see `known`).
 *
 * @param current the chain of the current leaf
 *
 * The key of the leaf has been judged before; what its issuers allow is OpenSSL's to judge (openssl.ts). Throws `Fault`: NL-LEAF-CHAIN
 * where a delivered issuer did not sign, is no CA, or has expired, or where an issuer is missing that was sent until now;
 * NL-LEAF-WEAK.
 * @returns the path as well, up to that root where it was delivered
 */
export function linkUp(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  now: number,
  current: readonly X509Certificate[] = [],
): { chain: X509Certificate[]; path: X509Certificate[]; notes: string[] } {
  demandStrongSignature(leaf);

  const chain = [leaf];
  const notes: string[] = [];
  let left = others.filter((other) => !isSame(other, leaf));
  let last = leaf;
  while (!isSelfSigned(last)) {
    const issuer = issuerAmong(left, last, now);
    if (issuer === undefined) {
      const held = known(current, last, now);
      if (held === undefined || chain.some((link) => isSame(link, held))) break;
      notes.push(`${named(held)} was not delivered: it is taken from the chain of the current leaf.`);
      chain.push(held);
      last = held;
      continue;
    }
    demandIssuer(issuer, now);
    left = left.filter((other) => !isSame(other, issuer));
    if (!isSelfSigned(issuer)) {
      demandStrongSignature(issuer);
      chain.push(issuer);
    }
    last = issuer;
  }
  const stray = left.map((other) => `${named(other)} was dropped: it issued neither the leaf nor one of its issuers.`);
  return { chain, path: chain.includes(last) ? chain : [...chain, last], notes: [...notes, ...stray] };
}

/**
 * The issuer of the last certificate that was delivered, from the chain of the current leaf: an intermediate, because roots
 * are left out of it.
 *
 * Only DPS knows what is enrolled: the leaf itself (then nothing else counts), its issuer (which DPS may find without being
 * sent it), or a CA above. So a leaf that comes alone is no fault by itself: it may be self-signed, of a root, or of a CA that
 * is new here. One case is refused before DPS hears of it: the name of the issuer is known as that of an intermediate, so this
 * CA has issued below a root until now, and the certificate of that name did not sign. It is another CA of the same name, or
 * one with a new key whose certificate was forgotten. DPS would still accept it with an individual enrollment, or if the new
 * issuer is enrolled itself and DPS finds it unsent; then a person delivers the issuer along, or roots and all. An
 * intermediate that has expired since is left out: its successor may be the one that is enrolled.
 * @throws Fault NL-LEAF-CHAIN
 */
function known(current: readonly X509Certificate[], issued: X509Certificate, now: number): X509Certificate | undefined {
  const ofThatName = current.slice(1).filter(({ subject }) => subject === issued.issuer);
  const signers = ofThatName.filter(({ publicKey }) => issued.verify(publicKey));
  const [another] = ofThatName;
  if (another !== undefined && signers.length === 0) {
    throw new Fault('NL-LEAF-CHAIN', {
      message: `Expected ${named(issued)} with its issuer ${named(another)}; it came without, and the ${named(another)} in the chain of the current leaf (SHA-256 ${another.fingerprint256.replaceAll(':', '')}) did not sign it.`,
      advice: `Operator of the CA: deliver the certificate of ${named(another)} that signed along with the leaf.`,
    });
  }
  return signers.find((signer) => signer.ca && !hasExpired(signer, now));
}

/** Throws where the name fits and no signature does: a wrong CA of the same name, or a forged leaf. */
function issuerAmong(others: readonly X509Certificate[], issued: X509Certificate, now: number) {
  const ofThatName = others.filter(({ subject }) => subject === issued.issuer);
  const signers = ofThatName.filter(({ publicKey }) => issued.verify(publicKey));
  const [impostor] = ofThatName;
  if (impostor !== undefined && signers.length === 0) {
    const message = `Expected ${named(issued)} to be signed by its issuer ${named(impostor)}; it is not signed by the delivered certificate of that name (SHA-256 ${impostor.fingerprint256.replaceAll(':', '')}).`;
    throw new Fault('NL-LEAF-CHAIN', { message });
  }
  // One CA key may have two certificates: its own, and one of an older root. The cross certificate is the more useful one.
  const fit = signers.filter((signer) => signer.ca && !hasExpired(signer, now));
  return fit.find((signer) => !isSelfSigned(signer)) ?? fit[0] ?? signers[0];
}

function demandIssuer(issuer: X509Certificate, now: number): void {
  // OpenSSL lets a CA without basicConstraints pass, where its key usage allows keyCertSign.
  if (!issuer.ca) {
    const lacks = saysCa(issuer) ? 'its key usage lacks keyCertSign' : 'its certificate lacks basicConstraints CA:TRUE';
    throw new Fault('NL-LEAF-CHAIN', { message: `Expected the issuer ${named(issuer)} to be a CA; ${lacks}.` });
  }
  if (hasExpired(issuer, now)) {
    const message = `Expected the issuer ${named(issuer)} to be valid now (${at(now)}); it expired at ${at(validityOf(issuer).notAfter)}.`;
    throw new Fault('NL-LEAF-CHAIN', { message });
  }
  demandStrongKey(issuer);
}

const hasExpired = (certificate: X509Certificate, now: number): boolean => validityOf(certificate).notAfter <= now;

const isSame = (one: X509Certificate, other: X509Certificate): boolean => one.raw.equals(other.raw);

const isSelfSigned = (certificate: X509Certificate): boolean =>
  certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
