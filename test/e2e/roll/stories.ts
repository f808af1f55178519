/** A story, as `scripts/enrollment/README.md` tells it. */
export interface Told {
  readonly title: string;
  /** What the operator types, in order; several in one place: any of them. The tests of the story type the same. */
  readonly operator: readonly (string | readonly string[])[];
  readonly device: string;
  /** How long, as its tests printed it. */
  readonly offline: string;
}

export type Story =
  | 'individual breach'
  | 'individual breach of both'
  | 'individual expiry'
  | 'group breach of the root'
  | 'group breach of the intermediate'
  | 'group expiry of the root'
  | 'group expiry of the intermediate'
  | 'reprovision'
  | 'disallow';

const ROLL = 'enroll reprovision gw-0001 --action roll';
const AGAIN = 'enroll reprovision gw-0001';
const FORGET = 'enroll forget gw-0001';

const PARKS =
  'The device gets a new leaf. DPS does not know it yet, so it waits (`next.pem`), and the old leaf serves on.';
const MOVES = 'Once the new leaf is enrolled, the device registers it, proves it at the hub, and destroys the old key.';

const groupBreach = (what: 'root' | 'intermediate', file: string): Told => ({
  title: `Group, breach: a compromised ${what}`,
  operator: [`enroll roll-group ${what} gateways --certificate ${file} --at-once`, [FORGET, ROLL]],
  device:
    'A forgotten device is refused by hub and DPS, and gets a leaf of the new CA by itself. A called one does so while the old session is open.',
  offline: '0.6 s if forgotten, 0 if called',
});

const groupExpiry = (what: 'root' | 'intermediate', file: string): Told => ({
  title: `Group, expiry: by a secondary ${what}`,
  operator: [
    `enroll roll-group ${what} gateways --certificate ${file}`,
    [ROLL, 'enroll reprovision --job "*" --action roll'],
    `enroll promote gateways --pem ${file}`,
    [AGAIN, 'enroll reprovision --job "*"'],
  ],
  device: 'The device gets a leaf of the new CA, registers it, and moves over. At the end it registers again.',
  offline: '0',
});

/** The nine stories of rolling a certificate. */
export const STORIES: Readonly<Record<Story, Told>> = {
  'individual breach': {
    title: 'Individual, breach: a stolen leaf',
    operator: [ROLL, 'enroll remove-current primary gw-0001 --from-device', [FORGET, AGAIN]],
    device: `${PARKS} ${MOVES}`,
    offline: '0.2 s if forgotten, 0 if called',
  },
  'individual breach of both': {
    title: 'Individual, breach: both leaves stolen',
    operator: [ROLL, 'enroll remove-current both gw-0001 --from-device', [FORGET, AGAIN]],
    device: `${PARKS} ${MOVES}`,
    offline: '0.2 s if forgotten, 0 if called',
  },
  'individual expiry': {
    title: 'Individual, expiry: by the secondary',
    operator: [
      ROLL,
      'enroll set-secondary gw-0001 --from-device',
      AGAIN,
      'enroll promote gw-0001 --from-device',
      AGAIN,
    ],
    device: `${PARKS} ${MOVES} The hub knows the leaf that registered last, and no other, so registering again at the end changes nothing.`,
    offline: '0',
  },
  'group breach of the root': groupBreach('root', 'our-root-2.pem'),
  'group breach of the intermediate': groupBreach('intermediate', 'issuing-ca-2.pem'),
  'group expiry of the root': groupExpiry('root', 'our-root-2.pem'),
  'group expiry of the intermediate': groupExpiry('intermediate', 'issuing-ca-2.pem'),
  reprovision: {
    title: 'Reprovision: by "unauthorized", by direct method, by job, with old and new enrolled',
    operator: [
      ROLL,
      'enroll set-secondary gw-0001 --from-device',
      [FORGET, AGAIN, 'enroll reprovision --job "tags.site = \'north\'"'],
    ],
    device: `${PARKS} Refused by the hub, or called, the device registers once, for the new leaf, and moves over. The hub then knows that leaf only.`,
    offline: '0.2 s if forgotten, 0 if called',
  },
  disallow: {
    title: 'Disallow, and allow again',
    operator: [
      ['enroll disallow device gw-0001', 'enroll disallow member gw-0001', 'enroll disallow group gateways'],
      ['enroll disable-identity gw-0001', FORGET],
      ['enroll allow device gw-0001', 'enroll allow member gw-0001', 'enroll allow group gateways'],
      'enroll enable-identity gw-0001',
    ],
    device:
      'The device is refused by hub and DPS. It tries one new leaf, unless DPS says that the enrollment is disabled. Then it asks once an hour. `newleaf status` names what the operator must do.',
    offline:
      'until it is allowed, and then until it asks the next time (every 60 to 75 minutes), or 0.6 s after `newleaf reprovision` on it',
  },
};
