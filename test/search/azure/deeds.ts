import { DAY, type Gateway, MINUTE } from '../gateway.ts';
import type { Azure } from './azure.ts';

const LAGS_MS = 40 * MINUTE;

const azureOf =
  (deed: (azure: Azure, gateway: Gateway) => void) =>
  (gateway: Gateway): void => {
    if (gateway.world.azure) deed(gateway.world.azure, gateway);
  };

const rotate = (azure: Azure): void => {
  azure.authority += 1;
};

/** The hubs learn of the CA that issues now. */
export const learn = (azure: Azure): void => {
  azure.trusted = azure.authority;
};

/** What people do to a gateway whose leaves Azure issues, and what time does. */
export const AZURE_DEEDS = {
  'the device is revoked': azureOf((azure) => {
    azure.mark += 1;
  }),
  'the device is revoked, and its session ends': azureOf((azure, { world }) => {
    azure.mark += 1;
    world.endSession();
  }),
  'the CA is replaced': azureOf((azure) => {
    rotate(azure);
    learn(azure);
  }),
  'the CA is replaced, and the session ends': azureOf((azure, { world }) => {
    rotate(azure);
    learn(azure);
    world.endSession();
  }),
  'the CA is replaced, and the hub learns of it 40 minutes later': azureOf((azure, { world, clock }) => {
    rotate(azure);
    void clock.sleep(LAGS_MS).then(() => {
      learn(azure);
      world.endSession();
    });
  }),
  'the policy is deleted': azureOf((azure) => {
    azure.hasPolicy = false;
  }),
  'the policy is back': azureOf((azure) => {
    azure.hasPolicy = true;
  }),
  'the device is disabled': azureOf((azure, { world }) => {
    azure.isEnabled = false;
    world.endSession();
  }),
  'the device is enabled': azureOf((azure) => {
    azure.isEnabled = true;
  }),
  'the onboarding certificate ends': azureOf((azure, { clock }) => {
    azure.onboarding = { ...azure.onboarding, notAfter: clock.now() };
  }),
  'a new onboarding certificate': azureOf(renew),
  'the onboarding key is lost': azureOf((azure) => {
    azure.onboarding = { ...azure.onboarding, card: undefined };
  }),
  'dark for a month': (gateway) => gateway.dark(30 * DAY),
} satisfies Record<string, (gateway: Gateway) => unknown>;
export type AzureDeed = keyof typeof AZURE_DEEDS;

/** A person has another certificate issued, for a key in the token that is there. */
export function renew(azure: Azure, { world, clock }: Gateway): void {
  const now = clock.now();
  azure.onboarding = { ...azure.onboarding, notBefore: now - DAY, notAfter: now + 1_000 * DAY, card: world.token.card };
}
