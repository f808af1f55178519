import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Misuse } from '../../agent/cli/kit/command.ts';
import { fileTrouble } from './file-trouble.ts';
import type { CertificateSlot } from './slots.ts';

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/;

/** A certificate in a file of the operator. */
export interface Given extends CertificateSlot {
  readonly file: string;
  readonly pem: string;
  /** CN of the subject, or the whole subject where it has none. */
  readonly cn: string;
  readonly isCa: boolean;
  readonly isSelfIssued: boolean;
}

/**
 * The first certificate in a PEM file; other text is ignored.
 * @throws Misuse where the file cannot be read, or holds none
 */
export async function certificateIn(file: string): Promise<Given> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new Misuse(`${file} cannot be read: ${fileTrouble(error)}.`);
  });
  return certificateOf(text, file);
}

/** @param file where the text comes from, in the words of a refusal */
export function certificateOf(text: string, file: string): Given {
  const [pem] = PEM.exec(text) ?? [];
  if (pem === undefined) throw new Misuse(`${file} holds no certificate in PEM.`);
  try {
    const certificate = new X509Certificate(pem);
    return {
      kind: 'certificate',
      file,
      pem: `${pem}\n`,
      cn: commonName(certificate.subject),
      isCa: certificate.ca,
      isSelfIssued: certificate.subject === certificate.issuer,
      thumbprint: certificate.fingerprint256.replaceAll(':', ''),
      subject: certificate.subject.replaceAll('\n', ', '),
      issuer: certificate.issuer.replaceAll('\n', ', '),
      notAfter: new Date(certificate.validTo).toISOString(),
    };
  } catch {
    throw new Misuse(`The certificate in ${file} cannot be read.`);
  }
}

function commonName(subject: string): string {
  const line = subject.split('\n').find((part) => part.startsWith('CN='));
  return line?.slice('CN='.length) ?? subject;
}

/** DPS admits a device only under a registration ID that is the CN of its leaf (concepts-x509-attestation). */
export function demandLeaf({ file, cn, isCa, notAfter }: Given, registrationId: string, now: number): void {
  if (isCa) throw new Misuse(`${file} is a CA certificate: an individual enrollment takes the leaf of the device.`);
  if (cn !== registrationId) {
    throw new Misuse(
      `The leaf in ${file} has the CN ${cn}, and the registration ID is ${registrationId}: DPS would refuse it.`,
    );
  }
  if (Date.parse(notAfter) <= now) throw new Misuse(`The leaf in ${file} has expired: ${notAfter}.`);
}

export function demandCa({ file, isCa, notAfter }: Given, now: number): void {
  if (!isCa) {
    throw new Misuse(`${file} is no CA certificate: a group takes the root or intermediate that issues the leaves.`);
  }
  if (Date.parse(notAfter) <= now) throw new Misuse(`The CA certificate in ${file} has expired: ${notAfter}.`);
}
