import { MEMORIES, served } from '../roll/memories.ts';
import type { Play, Situation } from './situation.ts';
import { asked, dps, errorBody, hub, issued, keyMade, notEnrolled, type Wire } from './wire.ts';

export const { serving, registering } = MEMORIES;
/** A gateway whose session has ended. */
export const offline = served;
export const registeringNext = MEMORIES['registering-next'];
export const connectingNext = MEMORIES['connecting-next'];

const disabledShapes: Readonly<Record<string, Wire>> = {
  'res/401': dps.says(401, errorBody(401002, 'Unauthorized')),
  failed: dps.says(200, { status: 'failed', registrationState: { errorCode: 401002 } }, { polling: true }),
  disabled: dps.says(200, { operationId: '', status: 'disabled', registrationState: { status: 'disabled' } }),
};

/** The hub has refused the current leaf, and so does DPS: one roll may cure it, and does not. */
export const barred = (refuses: Wire): Play => ({
  from: offline,
  turns: [
    [hub.connack(5), 'registering, register a'],
    [refuses, 'generating-key, generate-key b'],
    [keyMade, 'requesting-leaf, request-leaf b'],
    [issued, 'registering-next, register b'],
    // DPS has refused the current leaf a moment ago, and is not asked for it again. No key is destroyed.
    [refuses, 'stranded'],
  ],
  person: true,
});

const saysDisabled: Play = {
  from: offline,
  turns: [
    [hub.connack(5), 'registering, register a'],
    [disabledShapes.disabled ?? notEnrolled, 'stranded'],
  ],
  person: true,
  code: 'NL-DPS-DISABLED',
};

/** DPS refuses a candidate while the session with the current leaf is open. */
const parked = (refuses: Wire): Play => ({
  from: registeringNext,
  turns: [[refuses, 'serving']],
  person: true,
  code: 'NL-DPS-401002',
});

const DISALLOW = 'test/e2e/roll/disallow.test.ts';

export const ENROLLMENTS: readonly Situation[] = [
  {
    row: 1,
    title: 'new leaf installed, individual enrollment updated, the hub has the old thumbprint',
    plays: [
      {
        from: offline,
        turns: [
          [hub.connack(5), 'registering, register a'],
          [dps.assigns(), 'serving, connect a'],
          [hub.connack(5), 'serving, connect a', 3],
          [hub.accepts, 'serving'],
        ],
      },
    ],
    elsewhere: ['test/e2e/roll/reprovision.test.ts: by "unauthorized": the hub knows another leaf'],
  },
  {
    row: 2,
    title: 'enrollment primary is old, secondary is new',
    elsewhere: [
      'test/e2e/roll/individual-expiry.test.ts: an individual enrollment before a leaf expires: the secondary',
    ],
  },
  {
    row: 3,
    title: 'primary removed, and the new leaf not yet added',
    plays: [parked(notEnrolled)],
    elsewhere: ['test/e2e/parked.test.ts: a refused roll is parked, the operator enrolls it, and it becomes current'],
  },
  {
    row: 4,
    title: 'primary removed, and the hub still has its thumbprint',
    plays: [{ from: offline, turns: [[hub.accepts, 'serving']] }],
    elsewhere: ['test/e2e/roll/individual-breach.test.ts: the old leaf is all that the hub knows'],
  },
  {
    row: 5,
    title: 'new leaf under an enrolled group',
    plays: [
      {
        from: serving,
        turns: [
          [asked('roll'), 'generating-key, generate-key b'],
          [keyMade, 'requesting-leaf, request-leaf b'],
          [issued, 'registering-next, register b'],
          [dps.assigns(), 'connecting-next, connect b'],
          [hub.accepts, 'retiring-key, destroy-key a'],
        ],
      },
    ],
    elsewhere: ['test/e2e/stories.test.ts: a roll by direct method'],
  },
  {
    row: 6,
    title: 'intermediate rolled, and not in the group',
    plays: [parked(notEnrolled), barred(notEnrolled)],
    elsewhere: ['test/e2e/roll/group-breach.test.ts: an enrollment group after a breach'],
  },
  {
    row: 7,
    title: 'chain not sent where an intermediate is needed',
    plays: [parked(notEnrolled)],
    elsewhere: [
      'test/contract/issuer/enrolment.ts: simpleenroll with Basic gives a leaf that fulfils everything',
      'test/e2e/roll/group-breach.test.ts: an enrollment group after a breach',
    ],
  },
  {
    row: 8,
    title: 'root CA deleted, or not verified',
    plays: [parked(notEnrolled), barred(notEnrolled)],
    elsewhere: [
      'test/unit/simulator/attest.test.ts: group by the name of a verified CA',
      'test/unit/simulator/attest.test.ts: the same, and the CA is removed',
    ],
  },
  {
    row: 9,
    title: 'individual enrollment disabled',
    plays: [
      barred(disabledShapes['res/401'] ?? notEnrolled),
      barred(disabledShapes.failed ?? notEnrolled),
      saysDisabled,
    ],
    elsewhere: [`${DISALLOW}: disallow and re-allow`],
  },
  {
    row: 10,
    title: 'group disabled, or a disabled individual enrollment inside an enabled group',
    plays: [barred(disabledShapes['res/401'] ?? notEnrolled), saysDisabled],
    elsewhere: [`${DISALLOW}: disallow and re-allow`],
  },
];
