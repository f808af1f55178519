import '../../simulator/reflect.ts';
import { X509Certificates } from '@peculiar/x509';
import type { Minted } from './mint.ts';

const SIGNED_DATA = Buffer.from('06092a864886f70d010702', 'hex');
const PLAIN_DATA = Buffer.from('06092a864886f70d010701', 'hex');
const VERSION_1 = Buffer.from('020101', 'hex');
const EMPTY_SET = Buffer.from('3100', 'hex');

/** A degenerate SignedData in DER, as most CAs send it. */
export const pkcs7 = (...minted: Minted[]): Buffer =>
  Buffer.from(new X509Certificates(minted.map(({ certificate }) => certificate)).export('raw'));

/**
 * The same with indefinite lengths, as Bouncy Castle writes it, and with what newleaf has to pass over: an attribute
 * certificate (CertificateChoices [2]) and a CRL.
 */
export function pkcs7Indefinite(...minted: readonly Pick<Minted, 'der'>[]): Buffer {
  const attributeCertificate = Buffer.from('a2020500', 'hex');
  const certificates = indefinite(0xa0, ...minted.map(({ der }) => der), attributeCertificate);
  const crls = indefinite(0xa1, Buffer.from('30020500', 'hex'));
  const content = indefinite(0x30, PLAIN_DATA, indefinite(0xa0, indefinite(0x24, Buffer.from('0400', 'hex'))));
  const signedData = indefinite(0x30, VERSION_1, EMPTY_SET, content, certificates, crls, EMPTY_SET);
  return indefinite(0x30, SIGNED_DATA, indefinite(0xa0, signedData));
}

const indefinite = (tag: number, ...parts: Buffer[]): Buffer =>
  Buffer.concat([Buffer.of(tag, 0x80), ...parts, Buffer.of(0, 0)]);

export const armored = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;
