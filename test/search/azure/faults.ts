import type { Faults } from '../faults.ts';

/** What a hub does with a request for a certificate. */
export type RenewalFault =
  /** It knows no such request. */
  | 'unoffered'
  | 'no SUBACK'
  | 'subscription refused'
  | 'silent'
  /** It ends the session. */
  | 'ends'
  /** The 202 comes after a minute. */
  | 'slow'
  /** The certificate comes after 40 minutes, or after five hours. */
  | 'late'
  | 'very late'
  /** After the 202 nothing comes. */
  | 'never'
  /** The certificate is made, and the answer is lost: the next session gets it. */
  | 'loses'
  /** Each answer comes twice. */
  | 'twice'
  | 'refused'
  | 'refused later'
  | 'bug'
  | 'throttled'
  | 'unavailable'
  | 'broken'
  | 'unreadable'
  /** Another request of this device is active, whatever is replaced. */
  | 'active'
  /** The same, and nothing that could be replaced is. */
  | 'nothing';

const RENEWAL: readonly (readonly [what: string, renewal: RenewalFault])[] = [
  ['knows no renewal', 'unoffered'],
  ['answers no subscription to certificates', 'no SUBACK'],
  ['refuses the subscription to certificates', 'subscription refused'],
  ['says nothing about a certificate', 'silent'],
  ['ends the session when it is asked for a certificate', 'ends'],
  ['sends its 202 a minute late', 'slow'],
  ['sends the certificate 40 minutes later', 'late'],
  ['sends the certificate five hours later', 'very late'],
  ['sends a 202, and no certificate', 'never'],
  ['makes a certificate, and its answer is lost', 'loses'],
  ['sends each certificate twice', 'twice'],
  ['refuses the request, 400040', 'refused'],
  ['refuses the request after the 202, 400037', 'refused later'],
  ['refuses the request, 400004', 'bug'],
  ['throttles, 429002', 'throttled'],
  ['issues nothing, 503001', 'unavailable'],
  ['issues nothing, 500001', 'broken'],
  ['sends a certificate that cannot be read', 'unreadable'],
  ['has another request of this device, 409005', 'active'],
  ['has another request, and nothing to replace, 412001', 'nothing'],
];

/** Faults of a far side that issues the leaves, by a name that says what it is. */
export const AZURE_FAULTS: ReadonlyMap<string, Faults> = new Map<string, Faults>([
  ...RENEWAL.map(([what, renewal]) => [`hub: ${what}`, { renewal }] as const),
  [
    'hub: knows no renewal, and DPS refuses the gateway',
    { renewal: 'unoffered', dps: { code: 'NL-DPS-401002', whom: 'all' } },
  ],
  ['DPS: issues no leaf, NL-DPS-OTHER', { issuing: 'other' }],
  ['DPS: assigns without a certificate', { issuing: 'none' }],
  ['DPS: sends a certificate that cannot be read', { issuing: 'unreadable' }],
  ['DPS: assigns a hub of MQTT 5', { issuing: 'mqttV5' }],
]);
