import '../reflect.ts';
import * as x509 from '@peculiar/x509';
import type { AdrSwitches } from './switches.ts';

/** The words of `credentialError`; the first is Microsoft's, the others are guesses. */
export type CsrFault =
  | 'FailedToDecodeCsr'
  | 'CsrVerificationFailed'
  | 'CommonNameMismatch'
  | 'UnsupportedKey'
  | 'PolicyNotFound';

export interface BadCsr {
  readonly error: CsrFault;
  readonly message: string;
}

/** "8192 base64 characters": what clients check, and the live hub was seen to. */
export const LONGEST = 8_192;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The DER of base64 without armour and line breaks, or undefined. */
export function decoded(csr: unknown): Buffer | undefined {
  if (typeof csr !== 'string' || csr.length === 0 || csr.length > LONGEST || !BASE64.test(csr)) return undefined;
  return Buffer.from(csr, 'base64');
}

/** Why a CA issues nothing to this PKCS#10 (DER), or undefined where it does. */
export async function csrFault(
  der: Uint8Array,
  names: readonly string[],
  { leafKeys }: AdrSwitches,
): Promise<BadCsr | undefined> {
  let request: x509.Pkcs10CertificateRequest;
  let verified: boolean;
  try {
    request = new x509.Pkcs10CertificateRequest(der);
    verified = await request.verify();
  } catch (error) {
    return { error: 'FailedToDecodeCsr', message: `The request cannot be read: ${error}` };
  }
  if (!verified) return { error: 'CsrVerificationFailed', message: 'CSR did not pass verification' };
  const [cn = ''] = request.subjectName.getField('CN');
  if (!names.includes(cn))
    return { error: 'CommonNameMismatch', message: `The CN is "${cn}", not "${names.join('" or "')}".` };
  const { namedCurve } = request.publicKey.algorithm as { namedCurve?: string };
  if (leafKeys === 'p384' && namedCurve !== 'P-384') {
    return {
      error: 'UnsupportedKey',
      message: `The key must be EC P-384, and is ${namedCurve ?? request.publicKey.algorithm.name}.`,
    };
  }
  return undefined;
}
