import type { X509Certificate } from 'node:crypto';
import { foreign } from '../failure/foreign.ts';

/*
 * Only for certificates whose key has passed `demandStrongKey`: on Node 24.21 and 26.10, `toLegacyObject` (and so
 * `getPeerCertificate`) ends the process with SIGSEGV where the curve of the key has no NIST name, as secp256k1 has none.
 */

/** The CNs in the subject, unescaped; more than one is legal in X.509. */
export function commonNamesOf(certificate: X509Certificate): string[] {
  return [certificate.toLegacyObject().subject?.CN ?? []].flat().map(foreign);
}

/** The CN of the issuer, or its whole name where it has none. */
export function issuerOf(certificate: X509Certificate): string {
  const [cn] = [certificate.toLegacyObject().issuer?.CN ?? []].flat();
  return cn === undefined ? oneLine(certificate.issuer) : foreign(cn);
}

/** A certificate in a sentence: its whole subject in quotes. */
export const named = (certificate: X509Certificate): string => `"${oneLine(certificate.subject)}"`;

/** node prints one attribute a line; undefined for an empty name, whatever its types say. */
const oneLine = (name: string | undefined): string => foreign(name ?? '').replaceAll('\n', ', ');

/** Milliseconds since the epoch. (`validFromDate` exists since Node 22.10 only.) Throws on an impossible date. */
export function validityOf({ validFrom, validTo }: X509Certificate): { notBefore: number; notAfter: number } {
  return { notBefore: moment(validFrom), notAfter: moment(validTo) };
}

/** Milliseconds since the epoch as ISO 8601. */
export const at = (moment: number): string => new Date(moment).toISOString();

function moment(text: string): number {
  const parsed = Date.parse(text);
  if (Number.isNaN(parsed)) throw new RangeError(`not a date: ${text}`);
  return parsed;
}
