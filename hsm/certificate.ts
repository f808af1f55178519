import pkcs11js, { type Template } from 'pkcs11js';
import { elements } from './der.ts';
import type { PublicKey } from './public-key.ts';

const VERSION_TAG = 0xa0;

export function certificateTemplate(key: PublicKey, der: Buffer): Template {
  const { serial, issuer, subject } = names(der);
  return [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_CERTIFICATE },
    { type: pkcs11js.CKA_CERTIFICATE_TYPE, value: pkcs11js.CKC_X_509 },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_PRIVATE, value: false },
    { type: pkcs11js.CKA_ID, value: Buffer.from(key.id, 'hex') },
    { type: pkcs11js.CKA_LABEL, value: key.label },
    { type: pkcs11js.CKA_SUBJECT, value: subject },
    // NSS softokn answers CKR_TEMPLATE_INCOMPLETE without these two.
    { type: pkcs11js.CKA_ISSUER, value: issuer },
    { type: pkcs11js.CKA_SERIAL_NUMBER, value: serial },
    { type: pkcs11js.CKA_VALUE, value: der },
  ];
}

/** Serial number, issuer and subject in DER, cut out of the TBSCertificate (RFC 5280 section 4.1). */
function names(der: Buffer): { serial: Buffer; issuer: Buffer; subject: Buffer } {
  const tbs = elements(elements(elements(der)[0]?.content ?? der)[0]?.content ?? der);
  const [serial, , issuer, , subject] = tbs[0]?.tag === VERSION_TAG ? tbs.slice(1) : tbs;
  if (serial === undefined || issuer === undefined || subject === undefined) throw new RangeError('not a certificate');
  return { serial: serial.whole, issuer: issuer.whole, subject: subject.whole };
}
