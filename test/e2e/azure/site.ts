import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ClientIdentity } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import type { Switches } from '../../simulator/switches.ts';
import { FACTORY_ID, importFactoryKey } from '../stage/factory-key.ts';
import { Gateway, type GatewayOptions } from '../stage/gateway.ts';
import { PATIENCE_MS, type Serving } from '../stage/site.ts';

export const DAY = 86_400_000;

export interface AzureOptions extends GatewayOptions {
  readonly switches?: Partial<Switches>;
  /** How long the leaves live that Azure issues, in milliseconds. */
  readonly validityMs?: number;
  /** The group names no policy. */
  readonly hasNoPolicy?: true;
  /** In place of an identity below the issuer of the far side: the certificate that the group enrolls, and the factory key. */
  readonly factory?: { readonly issuerPem: string; readonly identity: Pick<ClientIdentity, 'key' | 'cert'> };
}

export interface AzureSite {
  readonly far: Simulator;
  readonly gateway: Gateway;
  readonly onboarding: ClientIdentity;
}

/** A far side that issues leaves, and a gateway that has nothing but a factory key, whose CA the group enrolls. */
export async function azureSite(t: TestContext, options: AzureOptions = {}): Promise<AzureSite> {
  const { switches, validityMs = 30 * DAY, hasNoPolicy, factory, ...rest } = options;
  const far = await startSimulator(switches === undefined ? {} : { switches });
  await far.createPolicy('monthly', validityMs);
  const certificatePolicy = hasNoPolicy ? {} : { certificatePolicy: { policy: 'monthly' } };
  await far.enrollGroup({
    groupId: 'gateways',
    primary: factory?.issuerPem ?? far.endpoints.issuerPem,
    ...certificatePolicy,
  });
  const settings = {
    'leaf.issuer': '"azure"',
    'onboarding.key': JSON.stringify(`pkcs11:id=%${FACTORY_ID}`),
    ...rest.settings,
  };
  const gateway = new Gateway(far.endpoints, { ...rest, settings });
  const onboarding = await far.clientIdentity(gateway.registrationId);
  importFactoryKey(gateway, factory?.identity ?? onboarding);
  t.after(async () => {
    await gateway.remove();
    await far.close();
  });
  return { far, gateway, onboarding };
}

/** Three leaves are asked for within an hour: a test that needs more begins the next one. */
export const nextHour = ({ stateDirectory }: Gateway): Promise<void> =>
  rm(join(stateDirectory, 'azure-requests'), { force: true });

export interface AzureServing extends AzureSite, Serving {}

/** The same, provisioned. */
export async function azureServing(t: TestContext, options: AzureOptions = {}): Promise<AzureServing> {
  const made = await azureSite(t, options);
  await made.gateway.start();
  const session = await made.far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  await made.gateway.settled();
  return { ...made, session, thumbprint: session.thumbprint ?? '' };
}
