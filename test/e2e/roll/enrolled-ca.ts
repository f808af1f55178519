import { X509Certificate } from 'node:crypto';
import type { Simulator } from '../../simulator/simulator.ts';
import { askEst, certificatesIn } from '../../unit/simulator/est-client.ts';

export type Level = 'root' | 'intermediate';
/** A group knows its CA by the certificate, or by the name under which it was verified. */
export type By = 'certificate' | 'name';

/**
 * What a group takes for the CA that issues at the moment. A name is uploaded and verified first: in Azure that belongs
 * to Resource Manager, not to the service API.
 * @param issuerPem the intermediate that issues
 */
export async function enrolledCa(far: Simulator, level: Level, by: By, issuerPem: string): Promise<string> {
  const pem = level === 'intermediate' ? issuerPem : await rootOf(far, new X509Certificate(issuerPem));
  if (by === 'certificate') return pem;
  const name = new X509Certificate(pem).serialNumber;
  await far.verifyCa(name, await far.proveCa(await far.uploadCa(name, pem), level));
  return name;
}

/** The root above an intermediate, from whoever distributes the CA certificates. */
async function rootOf({ endpoints }: Simulator, issuer: X509Certificate): Promise<string> {
  const { body } = await askEst(endpoints, 'cacerts');
  const root = certificatesIn(body).find(({ publicKey }) => issuer.verify(publicKey));
  if (root === undefined) throw new Error('the root of the issuing CA is not among its certificates');
  return root.toString();
}
