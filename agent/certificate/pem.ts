import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { Fault } from '../failure/failure.ts';
import { certificatesIn } from './pkcs7.ts';

const CERTIFICATE = new Set(['CERTIFICATE', 'X509 CERTIFICATE']);
const PKCS7 = new Set(['PKCS7', 'PKCS #7 SIGNED DATA', 'CMS']);

export interface Block {
  readonly label: string;
  readonly der: Buffer;
}

/**
 * The blocks of a PEM text (RFC 7468) in their order. Tolerates the usual variations: text before, after and between, CR or
 * CRLF, blanks at both ends of a line, a byte order mark. A block without an end is left out.
 */
export function blocksOf(pem: string): Block[] {
  const blocks: Block[] = [];
  let label: string | undefined;
  let base64 = '';
  for (const line of pem.split(/\r\n|\r|\n/).map((text) => text.trim())) {
    const begin = /^-----BEGIN ([^-]+)-----$/.exec(line)?.[1];
    if (begin !== undefined) {
      label = begin;
      base64 = '';
    } else if (label !== undefined && line === `-----END ${label}-----`) {
      blocks.push({ label, der: Buffer.from(base64, 'base64') });
      label = undefined;
    } else {
      base64 += line;
    }
  }
  return blocks;
}

/** The certificates of a PEM text, as DER, without the other blocks (keys, parameters). */
export function certificatesOf(pem: string): Buffer[] {
  return blocksOf(pem)
    .filter(({ label }) => CERTIFICATE.has(label))
    .map(({ der }) => der);
}

/** Whether each block of a PEM text is a certificate that OpenSSL reads, and there is one. */
export function isReadable(pem: string): boolean {
  try {
    // Node reads the first one by itself; TLS reads all, and wants each line as it should be.
    createSecureContext({ cert: pem });
    return certificatesOf(pem).length > 0;
  } catch {
    return false;
  }
}

export function certificatePem(der: Uint8Array): string {
  return `-----BEGIN CERTIFICATE-----\n${wrapped(der)}-----END CERTIFICATE-----\n`;
}

/** Base64 in lines of 64 characters, the last one ended too (RFC 7468 section 2). */
export function wrapped(der: Uint8Array): string {
  return Buffer.from(der)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
}

/** RFC 7468 section 7; the second is written by older tools. */
const REQUEST = /^-----BEGIN (NEW )?CERTIFICATE REQUEST-----/m;

/**
 * Turns a delivery into PEM certificates, in the order delivered: PEM or DER, single certificates or PKCS#7. Nothing is
 * verified. Throws `Fault` NL-LEAF-PARSE where no certificate can be read.
 */
export async function toPem(delivered: Uint8Array): Promise<string> {
  const bytes = Buffer.from(delivered);
  const found = isDer(bytes) ? await fromDer(bytes) : await fromPem(bytes);
  if (found.length > 0) return found.map(certificatePem).join('');
  if (REQUEST.test(bytes.toString('latin1'))) {
    const message = 'A CSR was delivered, and not the leaf that was issued for it.';
    throw new Fault('NL-LEAF-PARSE', { message, advice: 'Have it signed, and deliver the leaf.' });
  }
  const message = `Expected certificates as PEM, DER or PKCS#7; delivered were ${bytes.length} bytes without one.`;
  throw new Fault('NL-LEAF-PARSE', { message });
}

/** A SEQUENCE of 128 bytes or more, or of indefinite length: no text has such a second byte. */
const isDer = ([tag, length = 0]: Uint8Array): boolean => tag === 0x30 && length >= 0x80;

async function fromDer(der: Buffer): Promise<Buffer[]> {
  try {
    return [new X509Certificate(der).raw];
  } catch {
    return unpacked(der);
  }
}

async function fromPem(text: Buffer): Promise<Buffer[]> {
  const found = blocksOf(text.toString('utf8')).map(({ label, der }) => {
    if (CERTIFICATE.has(label)) return [der];
    return PKCS7.has(label) ? unpacked(der) : [];
  });
  return (await Promise.all(found)).flat();
}

async function unpacked(pkcs7: Buffer): Promise<Buffer[]> {
  try {
    return await certificatesIn(pkcs7);
  } catch (cause) {
    const message = 'Expected a certificate or a PKCS#7 with certificates; what was delivered is neither.';
    throw new Fault('NL-LEAF-PARSE', { message, cause });
  }
}
