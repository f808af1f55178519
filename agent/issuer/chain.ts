import type { X509Certificate } from 'node:crypto';
import { Fault } from '../roll/failure.ts';
import { at, named, validityOf } from './name.ts';
import { demandStrongKey, demandStrongSignature } from './strength.ts';

/**
 * Brings delivered certificates into the order TLS sends them: the leaf, its issuer, the issuer of that. A self-signed
 * root at the end is verified and left out ("may be omitted from the chain", RFC 8446 section 4.4.2), what issued
 * nothing here is dropped with a note. The issuer of the last one need not be there: most CAs deliver no root, and the
 * far side has it.
 *
 * The key of the leaf has been judged before. Throws `Fault`: NL-LEAF-CHAIN where a delivered issuer did not sign, is no
 * CA, or has expired; NL-LEAF-WEAK.
 */
export function linkUp(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  now: number,
): { chain: X509Certificate[]; notes: string[] } {
  demandStrongSignature(leaf);

  const chain = [leaf];
  let left = others.filter((other) => !isSame(other, leaf));
  for (let last = leaf; !isSelfSigned(last); ) {
    const issuer = issuerAmong(left, last, now);
    if (issuer === undefined) {
      break;
    }
    demandIssuer(issuer, now);
    left = left.filter((other) => !isSame(other, issuer));
    if (!isSelfSigned(issuer)) {
      demandStrongSignature(issuer);
      chain.push(issuer);
    }
    last = issuer;
  }
  const notes = left.map((other) => `${named(other)} was dropped: it issued neither the leaf nor one of its issuers.`);
  return { chain, notes };
}

/** Throws where the name fits and no signature does: a wrong CA of the same name, or a forged leaf. */
function issuerAmong(others: readonly X509Certificate[], issued: X509Certificate, now: number) {
  const ofThatName = others.filter(({ subject }) => subject === issued.issuer);
  const signers = ofThatName.filter(({ publicKey }) => issued.verify(publicKey));
  const [impostor] = ofThatName;
  if (impostor !== undefined && signers.length === 0) {
    throw new Fault('NL-LEAF-CHAIN', {
      message: `Expected ${named(issued)} to be signed by its issuer ${named(impostor)}; it is not signed by the delivered certificate of that name (SHA-256 ${impostor.fingerprint256.replaceAll(':', '')}).`,
    });
  }
  // One CA key may come certified twice: by itself, and by an older root. The cross certificate is the more useful one.
  const fit = signers.filter((signer) => signer.ca && !hasExpired(signer, now));
  return fit.find((signer) => !isSelfSigned(signer)) ?? fit[0] ?? signers[0];
}

function demandIssuer(issuer: X509Certificate, now: number): void {
  if (!issuer.ca) {
    throw new Fault('NL-LEAF-CHAIN', {
      message: `Expected the issuer ${named(issuer)} to be a CA; its certificate lacks basicConstraints CA:TRUE.`,
    });
  }
  if (hasExpired(issuer, now)) {
    throw new Fault('NL-LEAF-CHAIN', {
      message: `Expected the issuer ${named(issuer)} to be valid now (${at(now)}); it expired at ${at(validityOf(issuer).notAfter)}.`,
    });
  }
  demandStrongKey(issuer);
}

const hasExpired = (certificate: X509Certificate, now: number): boolean => validityOf(certificate).notAfter <= now;

const isSame = (one: X509Certificate, other: X509Certificate): boolean => one.raw.equals(other.raw);

const isSelfSigned = (certificate: X509Certificate): boolean =>
  certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
