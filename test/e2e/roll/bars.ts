import type { TestContext } from 'node:test';
import type { Switches } from '../../simulator/switches.ts';
import { begin, individualScene, type Policy, type Scene, scene } from './scene.ts';

/** Something that keeps a gateway out at DPS, and how the operator takes it away (how-to-revoke-device-access-portal). */
export interface Bar {
  readonly who: string;
  /** A gateway that serves, and the certificate on the operator's desk by which it was admitted. */
  readonly serving: (t: TestContext, switches: Partial<Switches>, policy?: Policy) => Promise<Scene>;
  readonly disallow: string;
  readonly allow: string;
  /** Where DPS wants a certificate again that stays in the enrollment. */
  readonly held?: string;
}

/** A gateway that came by its group, and serves. */
async function member(t: TestContext, switches: Partial<Switches>, policy: Policy = 'migrate'): Promise<Scene> {
  const made = await scene(t, switches);
  const { far, gateway, operator } = made;
  await far.trustCa(far.endpoints.estCaPem);
  operator.keep('issuing-ca.pem', far.endpoints.issuerPem);
  await operator.types(`enroll add group gateways --certificate issuing-ca.pem --policy ${policy}`);
  await begin(made);
  operator.fetch(gateway, 'leaf.pem');
  return made;
}

export const DEVICE: Bar = {
  who: 'an individual enrollment',
  serving: (t, switches, policy) => individualScene(t, switches, policy),
  disallow: 'enroll disallow device gw-0001',
  allow: 'enroll allow device gw-0001',
  held: ' --pem gw-0001.pem',
};
export const WHOLE_GROUP: Bar = {
  who: 'a whole group',
  serving: member,
  disallow: 'enroll disallow group gateways',
  allow: 'enroll allow group gateways',
  held: ' --pem issuing-ca.pem',
};
export const MEMBER: Bar = {
  who: 'a member of a group',
  serving: member,
  disallow: 'enroll disallow member gw-0001',
  allow: 'enroll allow member gw-0001',
};
export const MEMBER_BY_LEAF: Bar = {
  ...MEMBER,
  who: 'a member of a group, by its leaf',
  disallow: 'enroll disallow member gw-0001 --certificate leaf.pem',
};
