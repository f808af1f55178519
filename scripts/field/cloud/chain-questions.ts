import { Authority } from '../../../test/simulator/ca.ts';
import type { Ground } from './ground.ts';
import { registering } from './probe.ts';
import { type Answer, admitted, answer, type Question } from './question.ts';

const MINUTE = 60_000;

async function expiredLeaf(ground: Ground): Promise<Answer> {
  const leaf = await ground.ca.clientIdentity('q-expired', { lifetimeMs: -MINUTE });
  const { end, seen } = await registering(ground, 'q-expired', leaf);
  const position = end === 'closed' ? 'close' : end === 'refused' ? 'res-401' : undefined;
  return answer('expiredLeafAtDps', position, seen);
}

/** A group that knows a CA by a certificate. */
export async function groupOf({ operator }: Ground, group: string, pem: string): Promise<void> {
  operator.keep(`${group}.pem`, pem);
  await operator.types(`enroll add group ${group} --certificate ${group}.pem`);
}

/** Both CAs are verified: from the leaf it is one step to a certificate that DPS trusts. */
async function leafAlone(ground: Ground): Promise<Answer> {
  const other = await Authority.create('left out');
  for (const pem of [other.rootPem, other.issuerPem]) await ground.verify(pem);
  await groupOf(ground, 'q-leaf-alone', other.issuerPem);
  const { key, cert } = await other.clientIdentity('q-leaf-alone');
  const [leaf = ''] = cert.split(/(?<=-----END CERTIFICATE-----\n)/);
  const registered = await registering(ground, 'q-leaf-alone', { key, cert: leaf });
  return admitted('enrolledIssuerMayBeLeftOut', registered, true, false);
}

async function expiredIssuer(ground: Ground): Promise<Answer> {
  const root = await Authority.create('expired intermediate');
  await ground.verify(root.rootPem);
  await groupOf(ground, 'q-expired-issuer', root.rootPem);
  const expired = await root.withNewIntermediate('expired', Date.now() - MINUTE);
  const leaf = await expired.clientIdentity('q-expired-issuer');
  return admitted('expiredIssuerAtDps', await registering(ground, 'q-expired-issuer', leaf), 'accept', 'refuse');
}

async function unverified(ground: Ground): Promise<Answer> {
  const unknown = await Authority.create('not verified');
  await groupOf(ground, 'q-not-verified', unknown.issuerPem);
  const leaf = await unknown.clientIdentity('q-not-verified');
  return admitted('chainMustReachVerifiedCa', await registering(ground, 'q-not-verified', leaf), false, true);
}

/** What DPS says of a leaf, of its chain, and of the CA that is enrolled. */
export const CHAIN_QUESTIONS: readonly Question[] = [
  { title: 'An expired leaf at DPS', of: ['expiredLeafAtDps'], ask: expiredLeaf },
  { title: 'A leaf without the intermediate that the group knows', of: ['enrolledIssuerMayBeLeftOut'], ask: leafAlone },
  { title: 'An expired intermediate', of: ['expiredIssuerAtDps'], ask: expiredIssuer },
  { title: 'A group whose root is not verified', of: ['chainMustReachVerifiedCa'], ask: unverified },
];
