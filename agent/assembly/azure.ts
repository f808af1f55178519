import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { csr } from '../../hsm/csr.ts';
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
  withChain,
} from '../keys/onboarding.ts';
import { OnboardingFile } from '../keys/onboarding-file.ts';
import { publicKeyOf } from '../keys/slots.ts';
import { failureFields } from '../machine/failure-fields.ts';
import type { Log } from '../machine/log.ts';
import type { SessionUser } from '../mqtt/hub-session.ts';
import type { Leaf } from '../roll/leaf.ts';
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
  readonly log: Log;
  /** The second user of the session. */
  readonly user: SessionUser | undefined;
}

/** The parts of a gateway whose leaves Azure issues. It is loaded only there. */
export async function azureParts({ config, choice, token, connectors, dps, state, now, log, user }: AzureOptions) {
  const renewal = new HubRenewal(user);
  const { key, certificate, dps_api_version: apiVersion } = choice;
  const onboarding = { token, key, certificate, caFile: config.trust.ca_file };
  const file = join(config.state.directory, 'azure-requests');
  let shown: OnboardingLeaf | undefined;
  /** Of its end; it is logged once. */
  let logged: string | undefined;
  /** Read again at each registration: a person may have replaced it. */
  const look = async () => {
    shown = await onboardingIdentity(onboarding).catch(() => undefined);
    return shown;
  };
  const pace = new LeafPace({
    read: () => readFile(file, 'utf8').catch(() => undefined),
    write: (record) => writeAtomically(file, record, 0o600),
    current: () => state().current,
    now,
  });
  await Promise.all([look(), pace.look()]);

  const onFile = new OnboardingFile({ ...onboarding, registrationId: dps.registrationId, now });

  async function register(asking: AskingDps, abort: AbortSignal) {
    // First: until a registration has it, no other one hears that a connector failed.
    await look();
    const connecting = onboardingConnector(onboarding, (identity) => connectors.connector(identity));
    return registered(asking, connecting, abort, look);
  }

  async function registered(
    asking: AskingDps,
    connecting: ReturnType<typeof onboardingConnector>,
    abort: AbortSignal,
    leafOf: () => Promise<OnboardingLeaf | undefined>,
  ) {
    try {
      return await registerAs(dps, { apiVersion, ...asking }, connecting, abort);
    } catch (error) {
      const met = onboardingErrorOf(error);
      const leaf = await leafOf();
      throw leaf === undefined ? met : ofOnboarding(met, leaf, now());
    }
  }

  /** Nothing that DPS accepts is given up for a certificate that it refuses. */
  async function install(delivered: Uint8Array): Promise<Leaf> {
    onFile.demandFile();
    const leaf = await onFile.judge(delivered);
    if ((await onFile.lack()) === undefined) {
      const connecting = connectors.connector(await withChain(onboarding, leaf.chain));
      await registered({ read: () => {} }, connecting, new AbortController().signal, async () => leaf);
    }
    await onFile.keep(leaf);
    await look();
    return leaf;
  }

  const azure = createAzure({
    state,
    now,
    renewal,
    register,
    demandKey: (leaf) => publicKeyOf(token, leaf.key),
    pace,
  });
  return {
    ...azure,
    hub: { user: renewal, apiVersion: choice.hub_api_version },
    onboarding: {
      get told() {
        if (shown === undefined) return undefined;
        const { thumbprint, issuer = '', notAfter } = shown;
        return { thumbprint, issuer, notAfter: new Date(notAfter).toISOString() };
      },
      get requests() {
        return pace.recent;
      },
      async csr(cn: string) {
        const found = await token.findByUri(key);
        return csr(cn, found, (message) => token.sign(found, message));
      },
      lack: () => onFile.lack(),
      install,
    },
    beside() {
      // Not while the clock may be wrong.
      const met = shown && now() >= shown.notBefore ? endOf(shown, now()) : undefined;
      if (met !== undefined && met.code !== logged) log.warn({ event: 'onboarding-expiring', ...failureFields(met) });
      logged = met?.code;
      return azure.trouble() ?? met;
    },
  };
}
