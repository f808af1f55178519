import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenConnectors } from '../../hsm/tls.ts';
import type { Token } from '../../hsm/token.ts';
import type { IssuerChoice, X509Config } from '../config/config.ts';
import type { DpsOptions } from '../dps/registration.ts';
import { createAzure } from '../issuer/azure/azure.ts';
import { LeafPace } from '../issuer/azure/pace.ts';
import { HubRenewal } from '../issuer/azure/renewal.ts';
import { publicKeyOf } from '../keys/slots.ts';
import { failureFields } from '../machine/failure-fields.ts';
import type { Log } from '../machine/log.ts';
import type { SessionUser } from '../mqtt/hub-session.ts';
import type { RollState } from '../roll/state.ts';
import { writeAtomically } from '../state/durable.ts';
import { onboardingByLeaf } from './onboarding-leaf.ts';

type AzureChoice = Extract<IssuerChoice, { kind: 'azure' }>;

interface AzureOptions {
  readonly config: X509Config;
  readonly choice: AzureChoice;
  readonly token: Token;
  readonly connectors: TokenConnectors;
  readonly dps: Omit<DpsOptions, 'connectorFor'>;
  readonly state: () => RollState;
  readonly now: () => number;
  readonly log: Log;
  /** The second user of the session. */
  readonly user: SessionUser | undefined;
}

/** The parts of a gateway whose leaves Azure issues. It is loaded only there. */
export async function azureParts({ config, choice, token, connectors, dps, state, now, log, user }: AzureOptions) {
  const renewal = new HubRenewal(user);
  const { dps_api_version: apiVersion } = choice;
  const file = join(config.state.directory, 'azure-requests');
  const caFile = config.trust.ca_file;
  const credential = await onboardingByLeaf({ apiVersion, caFile, now, choice, token, connectors, dps });
  /** Of its end; it is logged once. */
  let logged: string | undefined;
  const pace = new LeafPace({
    read: () => readFile(file, 'utf8').catch(() => undefined),
    write: (record) => writeAtomically(file, record, 0o600),
    current: () => state().current,
    now,
  });
  await pace.look();

  const azure = createAzure({
    state,
    now,
    renewal,
    register: (asking, abort) => credential.register(asking, abort),
    demandKey: (leaf) => publicKeyOf(token, leaf.key),
    pace,
  });
  return {
    ...azure,
    hub: { user: renewal, apiVersion: choice.hub_api_version },
    onboarding: {
      certificate: credential.certificate,
      get told() {
        return credential.told;
      },
      get requests() {
        return pace.recent;
      },
    },
    beside() {
      const met = credential.end();
      if (met !== undefined && met.code !== logged) log.warn({ event: 'onboarding-expiring', ...failureFields(met) });
      logged = met?.code;
      return azure.trouble() ?? met;
    },
  };
}
