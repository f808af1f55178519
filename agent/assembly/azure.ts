import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenConnectors } from '../../hsm/tls.ts';
import type { Token } from '../../hsm/token.ts';
import type { IssuerChoice, X509Config } from '../config/config.ts';
import { type DpsOptions, registerAs } from '../dps/registration.ts';
import { type AskingDps, createAzure } from '../issuer/azure/azure.ts';
import { LeafPace } from '../issuer/azure/pace.ts';
import { HubRenewal } from '../issuer/azure/renewal.ts';
import {
  endOf,
  type OnboardingLeaf,
  ofOnboarding,
  onboardingConnector,
  onboardingErrorOf,
  onboardingIdentity,
} from '../keys/onboarding.ts';
import { publicKeyOf } from '../keys/slots.ts';
import type { SessionUser } from '../mqtt/hub-session.ts';
import type { RollState } from '../roll/state.ts';
import { writeAtomically } from '../state/durable.ts';

type AzureChoice = Extract<IssuerChoice, { kind: 'azure' }>;

interface AzureOptions {
  readonly config: X509Config;
  readonly choice: AzureChoice;
  readonly token: Token;
  readonly connectors: TokenConnectors;
  readonly dps: Omit<DpsOptions, 'connectorFor'>;
  readonly state: () => RollState;
  readonly now: () => number;
  /** The second user of the session. */
  readonly user: SessionUser | undefined;
}

/** The parts of a gateway whose leaves Azure issues. It is loaded only there. */
export async function azureParts({ config, choice, token, connectors, dps, state, now, user }: AzureOptions) {
  const renewal = new HubRenewal(user);
  const { key, certificate, dps_api_version: apiVersion } = choice;
  const onboarding = { token, key, certificate, caFile: config.trust.ca_file };
  const file = join(config.state.directory, 'azure-requests');
  let shown: OnboardingLeaf | undefined;
  /** Read again at each registration: a person may have replaced it. */
  const look = async () => {
    shown = await onboardingIdentity(onboarding).catch(() => undefined);
    return shown;
  };
  await look();

  async function register(asking: AskingDps, abort: AbortSignal) {
    const connecting = onboardingConnector(onboarding, (identity) => connectors.connector(identity));
    try {
      await look();
      return await registerAs(dps, { apiVersion, ...asking }, connecting, abort);
    } catch (error) {
      const met = onboardingErrorOf(error);
      const leaf = await look();
      throw leaf === undefined ? met : ofOnboarding(met, leaf, now());
    }
  }

  const azure = createAzure({
    state,
    now,
    renewal,
    register,
    demandKey: (leaf) => publicKeyOf(token, leaf.key),
    pace: new LeafPace({
      read: () => readFile(file, 'utf8').catch(() => undefined),
      write: (record) => writeAtomically(file, record, 0o600),
      current: () => state().current?.thumbprint ?? '',
      now,
    }),
  });
  return {
    ...azure,
    hub: { user: renewal, apiVersion: choice.hub_api_version },
    onboarding: {
      get told() {
        return shown && { thumbprint: shown.thumbprint, notAfter: new Date(shown.notAfter).toISOString() };
      },
    },
    /** Not while the clock may be wrong. */
    beside: () => azure.trouble() ?? (shown && now() >= shown.notBefore ? endOf(shown, now()) : undefined),
  };
}
