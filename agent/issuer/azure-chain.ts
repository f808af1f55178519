import { certificatePem } from '../certificate/pem.ts';
import { Fault } from '../failure/failure.ts';

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * The certificates that Azure has issued, as PEM for `verify` (agent/certificate/verify.ts), which finds the leaf by its key and
 * brings the others into their order: of the specification the first one is the leaf and the last one the root, the header of
 * Microsoft's client for FreeRTOS has it the other way round, and a README has no root.
 *
 * @param sent `registrationState.issuedCertificateChain` of DPS, the body of the 200 of a hub, or its `certificates`: an array of
 * base64 DER. DPS leaves it out, or sends null, where it issues nothing, and assigns a hub all the same.
 *
 * Throws `Fault`: NL-DPS-NO-LEAF, NL-LEAF-PARSE, NL-LEAF-CHAIN (the leaf alone: the hub refuses what comes without its CA, in
 * words as if it did not know the device).
 */
export function issuedPem(sent: unknown): string {
  if (sent === undefined || sent === null) throw new Fault('NL-DPS-NO-LEAF');
  const listed = typeof sent === 'object' && 'certificates' in sent ? sent.certificates : sent;
  if (!Array.isArray(listed) || listed.length === 0) {
    throw unreadable(`Expected a list of certificates; got ${described(listed)}.`);
  }
  const ders = listed.map((one: unknown, index) => {
    if (typeof one !== 'string' || !BASE64.test(one)) {
      throw unreadable(`Expected base64 of certificates; entry ${index + 1} of ${listed.length} is ${described(one)}.`);
    }
    return Buffer.from(one, 'base64');
  });
  if (ders.length === 1) {
    throw new Fault('NL-LEAF-CHAIN', {
      message: 'Expected the leaf with the CA that issued it; Azure sent one certificate.',
      advice: 'Operator: look at the certificate authority of the policy in the namespace of Azure Device Registry.',
    });
  }
  return ders.map(certificatePem).join('');
}

const unreadable = (message: string): Fault =>
  new Fault('NL-LEAF-PARSE', { message, advice: 'Operator: ask the support of Azure.' });

/** What was there, without its content. */
function described(value: unknown): string {
  if (Array.isArray(value)) return 'an empty one';
  if (typeof value === 'string') return `a text of ${value.length} characters that is none`;
  return value === null || value === undefined ? 'nothing' : `of the type ${typeof value}`;
}
