import { X509Certificate } from 'node:crypto';
import { blocksOf, certificatePem } from '../../certificate/pem.ts';
import { Fault } from '../../failure/failure.ts';

/**
 * The certificates that Azure has issued, as PEM in the order given: an array of base64 DER ("first = leaf … last = root",
 * azure-rest-api-specs, device/models.tsp; a header of FreeRTOS has the root first, so the order says nothing). Leaf, order
 * and signatures are judged later, with every other chain.
 * @param by DPS assigns without a certificate where the enrollment names no policy
 * @throws Fault NL-AZURE-POLICY, NL-AZURE-BODY
 */
export function issuedIn(list: unknown, by: 'DPS' | 'hub'): string {
  if (by === 'DPS' && isUnissued(list)) throw new Fault('NL-AZURE-POLICY');
  if (!Array.isArray(list) || isEmpty(list)) throw unreadable(`${by}: ${shown(list)} in place of certificates`);
  return list.map((one, at) => certificatePem(derOf(one, at, by))).join('');
}

/** DPS has assigned a hub, and issued nothing. */
const isUnissued = (list: unknown): boolean => list === undefined || list === null || isEmpty(list);

const isEmpty = (list: unknown): boolean => Array.isArray(list) && list.length === 0;

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 40) ?? 'nothing';

const unreadable = (cause: string): Fault => new Fault('NL-AZURE-BODY', { cause });

function derOf(one: unknown, at: number, by: string): Buffer {
  try {
    return new X509Certificate(Buffer.from(String(one), 'base64')).raw;
  } catch {
    throw unreadable(`${by}: certificate ${at + 1} is ${shown(one)}`);
  }
}

/** A CSR as Azure takes it: base64 DER in one line, without armour. */
export function bareCsr(csrPem: string): string {
  const [request] = blocksOf(csrPem);
  if (request === undefined) throw new TypeError('the certificate request is not PEM');
  return request.der.toString('base64');
}
