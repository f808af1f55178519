import { without } from '../../../agent/roll/core/memory.ts';
import { current } from '../roll/standing.ts';
import { barred, connectingNext, offline, registering, registeringNext, serving } from './enrollments.ts';
import type { Play, Situation } from './situation.ts';
import { asked, dps, errorBody, hub, notEnrolled, starts, type Wire, wakes } from './wire.ts';

const FAULTS = 'test/matrix/dps.test.ts';
const WIRE = 'test/unit/dps/wire.test.ts';
const MINUTE = 60_000;

/** DPS does not answer: the registration is tried again, and the session goes on. */
const unanswered = (wire: Wire, code: string, pause?: Play['pause']): Play => ({
  from: registering,
  turns: [[wire, 'registering, register a', 12]],
  code,
  ...(pause && { pause }),
});

/** A ladder that begins at 5 s, give or take a quarter. */
const FIRST_RUNG = [3_750, 6_250] as const;

export const REGISTRATIONS: readonly Situation[] = [
  {
    row: 22,
    title: 'DPS throttled',
    // From 7 or 5 s on the windows are 85 s wide, and each leaf has its place in them once and for all.
    plays: [
      unanswered(dps.says(429, '', { query: '&retry-after=7' }), 'NL-DPS-THROTTLED', [30_563, 30_563]),
      unanswered(dps.says(429, ''), 'NL-DPS-THROTTLED', [28_563, 28_563]),
    ],
    elsewhere: [`${FAULTS}: answers 429001`],
  },
  {
    row: 23,
    title: 'DPS 5xx',
    plays: [500, 503].map((status) => unanswered(dps.says(status, ''), 'NL-DPS-SERVER', FIRST_RUNG)),
    elsewhere: [`${FAULTS}: answers 500`],
  },
  {
    row: 24,
    title: 'DPS 429 or 5xx to a poll',
    plays: [429, 503].map((status) =>
      unanswered(dps.says(status, '', { polling: true }), status === 429 ? 'NL-DPS-THROTTLED' : 'NL-DPS-SERVER'),
    ),
    elsewhere: [`${FAULTS}: poll-status`, 'test/unit/dps/registration.test.ts: 429 to a poll'],
    because:
      'The table keeps the operation; here the attempt ends, and the registration is sent again after the pause.',
  },
  {
    row: 25,
    title: 'ID scope wrong',
    plays: [unanswered(dps.connack(3), 'NL-DPS-SCOPE', FIRST_RUNG)],
    elsewhere: ['test/unit/dps/registration.test.ts: CONNACK 3'],
    because:
      'The table slows down to once an hour after three tries. CONNACK 3 may as well be an outage: the ladder ends at ten minutes, and the advice names dps.id_scope.',
  },
  {
    row: 26,
    title: 'CN or client ID is not the registration ID',
    plays: [
      { from: registeringNext, turns: [[dps.connack(5), 'serving']], person: true, code: 'NL-DPS-REJECTED' },
      barred(dps.connack(5)),
    ],
    elsewhere: ['test/contract/issuer/bad-leaves.ts: for another CN'],
  },
  {
    row: 27,
    title: 'new leaf not valid yet, or the clock of the device is wrong',
    elsewhere: [
      'test/e2e/clock.test.ts: a leaf that is not valid yet is waited for, and no other is asked for',
      'test/e2e/clock.test.ts: a clock that is a day behind at the first start: the leaf is taken as soon as the clock is set',
    ],
  },
  {
    row: 29,
    title: 'leaf expired, at DPS',
    plays: [
      {
        from: offline,
        turns: [
          [asked('re-register'), 'registering, register a, connect a'],
          [notEnrolled, 'generating-key, generate-key b, connect a'],
        ],
      },
      { from: offline, turns: [[wakes(current.notAfter), 'generating-key, generate-key b, connect a']] },
    ],
    elsewhere: ['test/unit/simulator/dps.test.ts: an expired leaf is refused with 401002'],
  },
  {
    row: 37,
    title: 'two registrations in flight',
    plays: [unanswered(dps.says(409, errorBody(409203, 'Precondition failed.')), 'NL-DPS-CONFLICT', FIRST_RUNG)],
    elsewhere: ['test/search/faults.ts: NL-DPS-CONFLICT'],
  },
  {
    row: 38,
    title: 'operation lost or unknown',
    plays: [unanswered(dps.says(404, '', { polling: true }), 'NL-DPS-SERVER', FIRST_RUNG)],
    elsewhere: [`${WIRE}: 404 while polling: the operation is lost`],
  },
  {
    row: 39,
    title: 'no hub linked, DPS not authorised at the hub, or the webhook failed',
    plays: [400_207, 400_208, 400_209, 401_001].map((errorCode) =>
      unanswered(
        dps.says(200, { status: 'failed', registrationState: { errorCode } }, { polling: true }),
        'NL-DPS-ALLOCATION',
        [5 * MINUTE, 6.25 * MINUTE],
      ),
    ),
    elsewhere: [`${FAULTS}: allocation-failed`],
  },
  {
    row: 40,
    title: 'assigned to another hub',
    plays: [
      {
        from: registering,
        turns: [
          [dps.assigns('hub2.example'), 'serving, connect a'],
          [hub.accepts, 'serving'],
        ],
      },
    ],
    elsewhere: ['test/e2e/stories.test.ts: assignment to the second hub'],
  },
  {
    row: 41,
    title: 'policy "never re-provision", and the thumbprint is not refreshed',
    plays: [
      {
        from: connectingNext,
        turns: [
          [hub.connack(5), 'connecting-next, connect b', 9],
          [hub.connack(5), 'abandoning, register a'],
        ],
        person: true,
        code: 'NL-HUB-REJECTED',
      },
      {
        from: connectingNext,
        turns: [
          [hub.connack(5), 'connecting-next, connect b', 9],
          [hub.connack(5), 'abandoning, register a'],
          // Its answer may change: it is kept, and asked for again.
          [dps.assigns(), 'serving'],
        ],
        person: true,
      },
    ],
    elsewhere: [
      'test/e2e/roll/individual-expiry.test.ts: the policy "never", and DPS leaves the thumbprint as it is: the old leaf serves on',
      'test/e2e/roll/individual-breach.test.ts: the policy "never", and DPS leaves the thumbprint as it is: only deleting the identity helps',
    ],
  },
  {
    row: 42,
    title: 'transient CONNACK 5 right after a write of the registry',
    plays: [
      {
        from: registering,
        turns: [
          [dps.assigns('hub2.example'), 'serving, connect a'],
          [hub.connack(5), 'serving, connect a', 9],
          [hub.accepts, 'serving'],
        ],
      },
    ],
    elsewhere: [
      'test/matrix/hub.test.ts: connack',
      'test/e2e/roll/individual-breach.test.ts: an individual enrollment after a breach',
      'test/unit/roll/backoff.test.ts: the grace of a hub that lags DPS lasts about five minutes',
    ],
  },
  {
    row: 43,
    title: 'direct method `reprovision`',
    plays: [{ from: serving, turns: [[asked('re-register'), 'registering, register a']] }],
    elsewhere: [
      'test/e2e/stories.test.ts: reprovision by direct method',
      'test/unit/hub/methods.test.ts: the methods of the device',
    ],
  },
  {
    row: 44,
    title: 'DPS answers with a malformed body',
    plays: ['', '<html>', {}].map((body) => unanswered(dps.says(200, body), 'NL-DPS-BODY', FIRST_RUNG)),
    elsewhere: [`${FAULTS}: empty-body`, `${FAULTS}: not-json`, `${FAULTS}: no-status`],
  },
  {
    row: 45,
    title: 'socket drops in the middle of a registration',
    plays: [
      unanswered(dps.ends('connected'), 'NL-DPS-UNREACHABLE', FIRST_RUNG),
      {
        from: registeringNext,
        turns: [
          [dps.ends('connected', 'ECONNRESET'), 'registering-next, register b', 3],
          [dps.assigns(), 'connecting-next, connect b'],
        ],
      },
    ],
    elsewhere: [`${FAULTS}: drop-before`, `${FAULTS}: drop-after`, `${FAULTS}: drop-on-poll`],
  },
  {
    row: 46,
    title: 'crash after DPS accepted the new leaf, before anything was written down',
    plays: [
      {
        from: without(registeringNext, 'online'),
        turns: [
          [starts, 'registering-next, register b, connect a'],
          [hub.connack(5), 'registering-next, register b'],
          [dps.assigns(), 'connecting-next, connect b'],
          [hub.accepts, 'retiring-key, destroy-key a'],
        ],
      },
    ],
    elsewhere: ['test/kills/stories.ts: roll, EST'],
  },
  {
    row: 47,
    title: 'a certificate that ADR issued is revoked (preview)',
    because:
      'Certificates by ADR are a preview that no Node SDK speaks (api-version 2025-07-01-preview), and that Microsoft does not recommend for production: neither newleaf nor the simulator has it. To a refusal by the hub the answer is that of row 11.',
  },
];
