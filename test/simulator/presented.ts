import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { thumbprintOf } from './ca.ts';

/** What a client proved to hold the key of, and the certificates it sent along. */
export interface Presented {
  readonly leaf: X509Certificate;
  readonly thumbprint: string;
  /** Leaf first, each followed by its issuer as far as the client sent them. */
  readonly chain: readonly X509Certificate[];
}

/** Undefined where the client presented no certificate. */
export function presentedBy(socket: TLSSocket): Presented | undefined {
  const chain: X509Certificate[] = [];
  // A root is its own issuer in this structure, so the walk ends where nothing new comes.
  let link = socket.getPeerCertificate(true);
  while (link?.raw !== undefined && !chain.some(({ raw }) => raw.equals(link.raw))) {
    chain.push(new X509Certificate(link.raw));
    link = link.issuerCertificate;
  }
  const [leaf] = chain;
  return leaf && { leaf, thumbprint: thumbprintOf(leaf), chain };
}

/** The thumbprints by which a hub may know it: SHA-256 (64 hex digits) and SHA-1 (40). */
export const printsOf = ({ leaf, thumbprint }: Presented): readonly string[] => [
  thumbprint,
  leaf.fingerprint.replaceAll(':', ''),
];

/** The CN of the subject, or undefined. */
export function commonName(certificate: X509Certificate): string | undefined {
  const line = certificate.subject.split('\n').find((part) => part.startsWith('CN='));
  return line?.slice('CN='.length);
}

/** Whether `now` (milliseconds since the epoch) lies in the validity of the certificate. */
export function validAt(certificate: X509Certificate, now: number): boolean {
  return Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo);
}

/** Whether the subject's certificate was signed by the issuer's key, and names it. */
export function signedBy(subject: X509Certificate, issuer: X509Certificate): boolean {
  return subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
}
