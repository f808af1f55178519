import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { Gateway } from '../../e2e/stage/gateway.ts';
import { PATIENCE_MS, type Site } from '../../e2e/stage/site.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import type { Libest } from './libest.ts';

/** Who the gateway is before it has a leaf. */
export type Introduction = (gateway: Gateway) => Readonly<Record<string, string>>;

export const byPassword: Introduction = (gateway) => ({
  'issuer.est.username': '"estuser"',
  'issuer.est.password_file': gateway.file('est-password', 'estpwd', 0o600),
});

/** A far side that enrolls what libest issues, and a gateway that has the server of this URL as its issuer. */
export async function siteAt(
  t: TestContext,
  url: string,
  libest: Libest,
  introduction: Introduction,
  runner: readonly string[] = [],
): Promise<Site> {
  const far = await startSimulator();
  await far.enrollGroup({ groupId: 'gateways', primary: libest.ca.pem });
  const gateway = new Gateway(far.endpoints, { runner });
  const others = readFileSync(gateway.configuration, 'utf8').split('\n');
  const est = {
    'issuer.est.url': JSON.stringify(url),
    'issuer.est.ca_file': JSON.stringify(libest.caFile),
    ...introduction(gateway),
  };
  gateway.configure([
    ...others.filter((line) => !line.startsWith('issuer.est.')),
    ...Object.entries(est).map(([key, value]) => `${key} = ${value}`),
  ]);
  t.after(async () => {
    await gateway.remove();
    await far.close();
  });
  return { far, gateway };
}

/** Waits until the gateway serves with the leaf that the hub accepts next. @returns its thumbprint */
export async function serves({ far, gateway }: Site, since = 0): Promise<string> {
  const { thumbprint = '' } = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
  const { leaf } = await gateway.settled();
  assert.equal(leaf?.thumbprint, thumbprint);
  assert.equal(leaf?.issuer, 'Libest CA');
  return thumbprint;
}

/** How many sessions the hub has seen end. */
export const closings = (far: Simulator): number => far.log.count({ event: 'disconnected', server: 'hub1' });
