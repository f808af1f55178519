import '../reflect.ts';
import type { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** Of the extension that carries it. Which one Azure takes is not public: this arc is assigned to no enterprise. */
const OID = '1.3.6.1.4.1.99999.29';
const UTF8_STRING = 0x0c;

/** "Each leaf embeds a per-device identifier" (concepts-certificate-policy-management): a private extension, not critical. */
export function deviceIdExtension(id: string): x509.Extension {
  const text = Buffer.from(id);
  return new x509.Extension(OID, false, Buffer.from([UTF8_STRING, text.length, ...text]));
}

/** The identifier inside a leaf, or undefined. */
export function deviceIdIn({ raw }: X509Certificate): string | undefined {
  const extension = new x509.X509Certificate(raw).getExtension(OID);
  return extension === null ? undefined : Buffer.from(extension.value).subarray(2).toString();
}
