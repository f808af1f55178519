import { csr } from '../../hsm/csr.ts';
import type { TokenConnectors } from '../../hsm/tls.ts';
import type { Token } from '../../hsm/token.ts';
import type { Onboarding } from '../config/config.ts';
import type { DaemonOptions } from '../daemon/options.ts';
import { type DpsOptions, registerAs } from '../dps/registration.ts';
import type { Failure } from '../failure/failure.ts';
import type { AskingDps } from '../issuer/azure/azure.ts';
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
import type { Assignment, Leaf } from '../roll/leaf.ts';
import type { OnboardingCertificate } from '../roll/onboarding-status.ts';

/** By what DPS knows a gateway whose leaves Azure issues. */
export interface Credential {
  /** One registration with it. @throws Fault, TokenError */
  register(asking: AskingDps, abort: AbortSignal): Promise<Assignment>;
  readonly told: OnboardingCertificate | undefined;
  readonly certificate: NonNullable<DaemonOptions['onboarding']>['certificate'];
  /** Of its end, once that is near. */
  end(): Failure | undefined;
}

interface OnboardingLeafOptions {
  readonly choice: Onboarding;
  readonly apiVersion: string;
  readonly caFile: string;
  readonly token: Token;
  readonly connectors: TokenConnectors;
  readonly dps: Omit<DpsOptions, 'connectorFor'>;
  readonly now: () => number;
}

/** A key in the token, and its certificate. */
export async function onboardingByLeaf(options: OnboardingLeafOptions): Promise<Credential> {
  const { choice, apiVersion, caFile, token, connectors, dps, now } = options;
  const { key, certificate } = choice;
  const onboarding = { token, key, certificate, caFile };
  const onFile = new OnboardingFile({ ...onboarding, registrationId: dps.registrationId, now });
  let shown: OnboardingLeaf | undefined;
  /** Read again at each registration: a person may have replaced it. */
  const look = async () => {
    shown = await onboardingIdentity(onboarding).catch(() => undefined);
    return shown;
  };
  await look();

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

  return {
    async register(asking, abort) {
      // First: until a registration has it, no other one hears that a connector failed.
      await look();
      const connecting = onboardingConnector(onboarding, (identity) => connectors.connector(identity));
      return registered(asking, connecting, abort, look);
    },
    get told() {
      if (shown === undefined) return undefined;
      const { thumbprint, issuer = '', notAfter } = shown;
      return { thumbprint, issuer, notAfter: new Date(notAfter).toISOString() };
    },
    certificate: {
      async csr(cn: string) {
        const found = await token.findByUri(key);
        return csr(cn, found, (message) => token.sign(found, message));
      },
      lack: () => onFile.lack(),
      install,
    },
    // Not while the clock may be wrong.
    end: () => (shown && now() >= shown.notBefore ? endOf(shown, now()) : undefined),
  };
}
