import type { X509Certificate } from 'node:crypto';
import { Fault } from '../failure/failure.ts';
import { saysCa } from './der.ts';
import { at, named, validityOf } from './name.ts';
import { demandStrongKey, demandStrongSignature } from './strength.ts';

/** Each costs a handshake, and a registration where DPS has refused those before. */
const MOST_WAYS = 4;
/** Certificates that cross at each of ten levels have a thousand ways up. */
const MOST_STEPS = 200;

/** Leaf first, each followed by its issuer, up to the topmost that is known: a root where one was delivered. */
export type Path = readonly X509Certificate[];

/** What is sent of a path: a self-signed root "may be omitted from the chain" (RFC 8446 section 4.4.2). */
export const sentOf = (path: Path): X509Certificate[] => path.filter((one, at) => at === 0 || !isSelfSigned(one));

/**
 * Brings delivered certificates into the order TLS sends them: the leaf, its issuer, the issuer of that. A certificate that
 * issued none of them is dropped with a note. The issuer of the last one need not be there: most CAs deliver no root, and the
 * far side has it.
 *
 * DPS refuses a chain that ends below an intermediate where a CA above that one is enrolled or verified, and its words do not
 * say that an intermediate is missing. So missing certificates are taken from the chain of the current leaf (see `known`).
 *
 * A CA may have several certificates for one key: of its own, and of other CAs. The way up on which DPS has met the current
 * leaf goes first; the others are told too, as an operator may have enrolled another top since.
 *
 * @param current the chain of the current leaf
 *
 * The key of the leaf has been judged before; what its issuers allow is OpenSSL's to judge (openssl.ts). Throws `Fault`:
 * NL-LEAF-CHAIN where a delivered issuer did not sign, is no CA, or has expired, or where an issuer is missing that was sent
 * until now; NL-LEAF-WEAK.
 */
export function linkUp(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  now: number,
  current: Path = [],
): { path: Path; otherPaths: Path[]; notes: string[] } {
  demandStrongSignature(leaf);
  const delivered = others.filter(
    (one, at) => !isSame(one, leaf) && others.findIndex((two) => isSame(one, two)) === at,
  );
  const issuers = issuersAmong(delivered, now, current);
  let steps = MOST_STEPS;
  const climb = (...begun: X509Certificate[]): Path[] => {
    const last = begun.at(-1) ?? leaf;
    if (isSelfSigned(last)) return [begun];
    const found: Path[] = [];
    let fault: Fault | undefined;
    const above = issuers(last, begun);
    for (const issuer of above) {
      if (found.length === MOST_WAYS) break;
      try {
        steps -= 1;
        if (steps < 0) throw new Fault('NL-LEAF-CHAIN', { message: 'The chain has more ways up than any CA has.' });
        demandIssuer(issuer, now);
        found.push(...climb(...begun, issuer));
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        fault ??= error;
      }
    }
    if (fault !== undefined && found.length === 0) throw fault;
    if (above.length > 0) return found.slice(0, MOST_WAYS);
    const held = known(current, last, now);
    return held === undefined || begun.some((link) => isSame(link, held)) ? [begun] : climb(...begun, held);
  };
  const [path = [leaf], ...otherPaths] = climb(leaf);
  const notes = path
    .filter((one) => one !== leaf && !delivered.includes(one))
    .map((one) => `${named(one)} was not delivered: it is taken from the chain of the current leaf.`);
  const used = [path, ...otherPaths].flat();
  const stray = delivered
    .filter((one) => !used.includes(one))
    .map((other) => `${named(other)} was dropped: it issued neither the leaf nor one of its issuers.`);
  return { path, otherPaths, notes: [...notes, ...stray] };
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
function known(current: Path, issued: X509Certificate, now: number): X509Certificate | undefined {
  const ofThatName = current.slice(1).filter(({ subject }) => subject === issued.issuer);
  const signers = ofThatName.filter(({ publicKey }) => issued.verify(publicKey));
  const [another] = ofThatName;
  if (another !== undefined && signers.length === 0) {
    throw new Fault('NL-LEAF-CHAIN', {
      message: `Expected ${named(issued)} with its issuer ${named(another)}; it came without, and the ${named(another)} in the chain of the current leaf (SHA-256 ${another.fingerprint256.replaceAll(':', '')}) did not sign it.`,
      advice: `Operator of the CA: deliver the certificate of ${named(another)} that signed along with the leaf.`,
    });
  }
  return signers.find((signer) => isFit(signer, now));
}

/**
 * The delivered issuers of a certificate that are not below it yet, the best one first. Throws where the name fits and no
 * signature does: a wrong CA of the same name, or a forged leaf.
 */
function issuersAmong(delivered: readonly X509Certificate[], now: number, current: Path) {
  const found = new Map<X509Certificate, readonly X509Certificate[]>();
  // A root at the top of the chain of the current leaf was not sent.
  const isMet = (one: X509Certificate) =>
    one.subject === one.issuer
      ? current.at(-1)?.issuer === one.subject
      : current.slice(1).some(({ subject, issuer }) => subject === one.subject && issuer === one.issuer);
  const rank = (one: X509Certificate) => {
    if (!isFit(one, now)) return 3;
    if (isMet(one)) return 0;
    // A certificate by another CA is more useful than that of a root by itself.
    return one.subject === one.issuer ? 2 : 1;
  };
  return (issued: X509Certificate, below: Path): X509Certificate[] => {
    const isNew = (one: X509Certificate) => !below.includes(one);
    const ofThatName = delivered.filter(({ subject }) => subject === issued.issuer);
    const signers = found.get(issued) ?? ofThatName.filter(({ publicKey }) => issued.verify(publicKey));
    found.set(issued, signers);
    const left = signers.filter(isNew);
    const impostor = ofThatName.find(isNew);
    if (impostor !== undefined && left.length === 0) {
      const message = `Expected ${named(issued)} to be signed by its issuer ${named(impostor)}; it is not signed by the delivered certificate of that name (SHA-256 ${impostor.fingerprint256.replaceAll(':', '')}).`;
      throw new Fault('NL-LEAF-CHAIN', { message });
    }
    return left.toSorted((one, other) => rank(one) - rank(other));
  };
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
  if (!isSelfSigned(issuer)) demandStrongSignature(issuer);
}

const isFit = (signer: X509Certificate, now: number): boolean => signer.ca && !hasExpired(signer, now);

const hasExpired = (certificate: X509Certificate, now: number): boolean => validityOf(certificate).notAfter <= now;

const isSame = (one: X509Certificate, other: X509Certificate): boolean => one.raw.equals(other.raw);

const isSelfSigned = (certificate: X509Certificate): boolean =>
  certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
