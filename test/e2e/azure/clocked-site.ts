import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { TestContext } from 'node:test';
import { csr } from '../../../hsm/csr.ts';
import { openToken } from '../../../hsm/token.ts';
import { freshId } from '../../contract/token/fresh-id.ts';
import type { TestToken } from '../../contract/token/softhsm.ts';
import { type Clocked, clocked } from '../stage/clocked.ts';
import { cut } from '../stage/site.ts';

export const ID = 'gw-0001';
export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;
const YEAR = 365 * DAY;

/** A gateway whose leaves Azure issues, that has a factory key and no leaf; time passes as the test says. */
export async function clockedByAzure(
  t: TestContext,
  hsm: TestToken,
  label: string,
  validityMs: number,
): Promise<Clocked> {
  const settings = { 'leaf.issuer': '"azure"', 'onboarding.key': '"pkcs11:object=factory"' };
  const gateway = await clocked(t, YEAR, { hsm, token: label, settings });
  const { far } = gateway;
  const token = await openToken({ module: hsm.module, token: label, uri: undefined, pin: hsm.pin });
  const key = await token.generate('factory', 'ec-p256', freshId());
  const request = await csr(ID, key, (message) => token.sign(key, message));
  await token.storeCertificate(key, new X509Certificate(await far.issue(request, gateway.policy)).raw);
  await far.createPolicy('monthly', validityMs);
  await far.removeEnrollment('gateways');
  await far.enrollGroup({
    groupId: 'gateways',
    primary: far.endpoints.issuerPem,
    certificatePolicy: { policy: 'monthly' },
  });
  return gateway;
}

/** Registrations, and requests to a hub for a certificate. */
export const asked = ({ far }: Clocked, mark: number) => {
  const since = far.log.since(mark);
  return {
    registrations: since.filter(({ event }) => event === 'register').length,
    renewals: since.filter(({ event }) => event === 'credentials').length,
  };
};

/**
 * The hub has refused the leaf, and ends the session: DPS is asked for the hub, and within a quarter of an hour for one leaf.
 * @returns how many entries the far side had before
 */
export async function renewsByDps(gateway: Clocked, refuse: () => Promise<unknown>): Promise<number> {
  const { far, clock } = gateway;
  const { leaf } = await gateway.settled();
  await refuse();
  const [mark, begun] = [far.log.entries.length, clock.now()];
  await cut(far);
  const renewed = gateway.renewed(leaf?.thumbprint);
  await gateway.passUntil(begun + 60 * MINUTE, { over: renewed });
  await renewed;
  assert.deepEqual(asked(gateway, mark), { registrations: 2, renewals: 0 });
  assert.ok(clock.now() - begun < 15 * MINUTE, `${(clock.now() - begun) / MINUTE} min`);
  return mark;
}
