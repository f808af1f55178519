import { generateKeyPairSync, sign } from 'node:crypto';
import { bits, distinguishedName, oid, pem, sequence, tlv, unsigned } from './der.ts';

const UTC_TIME = 0x17;
const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const HOST = 'rehearsal';

/** A server's key and certificate (PEM) that live as long as this process: RFC 5280 section 4.1, version 1. */
export function standIn(): { readonly host: string; readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = distinguishedName(HOST);
  // From 1970 to 2049: whether the clock is right is another check.
  const validity = sequence(...['700101000000Z', '491231235959Z'].map((time) => tlv(UTC_TIME, Buffer.from(time))));
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const inner = sequence(unsigned(Buffer.of(1)), ECDSA_SHA256, name, validity, name, spki);
  const cert = pem('CERTIFICATE', sequence(inner, ECDSA_SHA256, bits(sign('sha256', inner, privateKey))));
  return { host: HOST, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert };
}
