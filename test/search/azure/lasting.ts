import { faultOf } from '../faults.ts';
import { DAY, type Gateway, HOUR } from '../gateway.ts';
import type { Occasion, Stay } from '../lasting.ts';
import { AZURE_DEEDS, type AzureDeed, learn, renew } from './deeds.ts';
import { AZURE_FAULTS } from './faults.ts';

const drop = ({ world }: Gateway): void => world.endSession();

/** What makes a gateway whose leaves Azure issues need what is at fault. */
export const AZURE_OCCASIONS: Readonly<Record<string, Occasion>> = {
  'the link drops': { leftMs: 80 * DAY, happens: drop },
  'the device is revoked': { leftMs: 80 * DAY, happens: AZURE_DEEDS['the device is revoked, and its session ends'] },
  'the leaf is due, and ends after 20 days': { leftMs: 20 * DAY, happens: () => undefined },
  'the leaf ends after 8 hours, and the link drops': { leftMs: 8 * HOUR, happens: drop },
  'leaves of 3 hours, and the link drops': { leftMs: 2 * HOUR, lifetimeMs: 3 * HOUR, happens: drop },
};

const deed = (begin: AzureDeed, end: AzureDeed): Stay => ({ begin: AZURE_DEEDS[begin], end: AZURE_DEEDS[end] });

/** What people and time do, until a person undoes it. */
const STANDINGS: readonly (readonly [name: string, stay: Stay])[] = [
  ['the policy is deleted', deed('the policy is deleted', 'the policy is back')],
  ['the device is disabled', deed('the device is disabled', 'the device is enabled')],
  ['the onboarding certificate has ended', deed('the onboarding certificate ends', 'a new onboarding certificate')],
  ['the onboarding key is lost', deed('the onboarding key is lost', 'a new onboarding certificate')],
  [
    'the CA is replaced, and no hub learns of it',
    {
      begin({ world: { azure } }) {
        if (azure) azure.authority += 1;
      },
      end: ({ world: { azure } }) => azure && learn(azure),
    },
  ],
  [
    'the onboarding certificate has ended, and the hub knows no renewal',
    {
      begin(gateway) {
        AZURE_DEEDS['the onboarding certificate ends'](gateway);
        gateway.lay(faultOf('hub: knows no renewal'));
      },
      end(gateway) {
        if (gateway.world.azure) renew(gateway.world.azure, gateway);
        gateway.lay({});
      },
    },
  ],
];

/** Every fault of a far side that issues the leaves, and how it ends. */
export const AZURE_STAYS: ReadonlyMap<string, Stay> = new Map([
  ...[...AZURE_FAULTS].map(([name, faults]): [string, Stay] => [
    name,
    { begin: (gateway) => gateway.lay(faults), end: (gateway) => gateway.lay({}) },
  ]),
  ...STANDINGS,
]);
