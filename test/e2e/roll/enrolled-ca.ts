import { X509Certificate } from 'node:crypto';
import { askEst, certificatesIn } from '../../clients/est.ts';
import type { Scene } from './scene.ts';

export type Level = 'root' | 'intermediate';
/** A group knows its CA by the certificate, or by the name under which it was verified. */
export type By = 'certificate' | 'name';

/** Names of the CA of before and of the next one, at each level. */
export const CAS = {
  root: ['our-root', 'our-root-2'],
  intermediate: ['issuing-ca', 'issuing-ca-2'],
} as const satisfies Readonly<Record<Level, readonly [string, string]>>;

/**
 * Gives the operator what a group takes for the CA that issues at the moment. A name is uploaded and verified first: in
 * Azure that belongs to Resource Manager, not to the service API.
 * @param issuerPem the intermediate that issues
 * @param name the name of the CA, and of its file
 * @returns the option of `enroll` that names it
 */
export async function enrolledCa(
  { far, operator }: Scene,
  level: Level,
  by: By,
  issuerPem: string,
  name: string,
): Promise<string> {
  const root = await rootOf({ far }, new X509Certificate(issuerPem));
  const pem = level === 'intermediate' ? issuerPem : root;
  if (by === 'name') {
    await far.verifyCa(name, await far.proveCa(await far.uploadCa(name, pem), level));
    return `--ca ${name}`;
  }
  // The chain of a member must reach a verified CA, whatever the group holds.
  await far.trustCa(root);
  operator.keep(`${name}.pem`, pem);
  return `--certificate ${name}.pem`;
}

/** The root above an intermediate, from whoever distributes the CA certificates. */
export async function rootOf({ far: { endpoints } }: Pick<Scene, 'far'>, issuer: X509Certificate): Promise<string> {
  const { body } = await askEst(endpoints, 'cacerts');
  const root = certificatesIn(body).find(({ publicKey }) => issuer.verify(publicKey));
  if (root === undefined) throw new Error('the root of the issuing CA is not among its certificates');
  return root.toString();
}
