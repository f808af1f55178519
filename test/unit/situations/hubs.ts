import { isUnheard } from '../../../agent/roll/core/knots.ts';
import type { Memory } from '../../../agent/roll/core/memory.ts';
import { answer } from '../roll/memories.ts';
import { current } from '../roll/standing.ts';
import { barred, connectingNext, offline, registering, serving } from './enrollments.ts';
import type { Play, Situation, Turn } from './situation.ts';
import { dps, hub, notEnrolled, tokenFails, type Wire, wakes } from './wire.ts';

const OUTAGES = 'test/matrix/hub.test.ts';
const REFUSALS = 'test/rows/table/refusals.ts';
const DISALLOW = 'test/e2e/roll/disallow.test.ts';
const FLAPPING = 'test/rows/table/session.ts: from the third on newleaf backs off for five minutes, and asks no DPS';

const unheard = (times: number): Memory => ({
  ...offline,
  answers: { 'connect current': answer('silent', 'NL-HUB-UNREACHABLE', { times }) },
});

/** The attempt after which DPS is asked, of those that no hub has answered. */
const WORTH = Array.from({ length: 60 }, (_, tries) => tries).findIndex((tries) =>
  isUnheard(unheard(tries), 'current'),
);

/** An outage of two hours: DPS is asked once, and whoever answers first ends it. */
const outage = (wire: Wire, code: string, answers: readonly Turn[] = [[hub.accepts, 'serving']]): Play => ({
  from: offline,
  turns: [[wire, 'serving, connect a', WORTH - 1], [wire, 'registering, register a, connect a', 100], ...answers],
  ...(answers.length === 0 && { code }),
});

/** DPS has another hub for us; or the same, and is asked again after an hour. */
const outages = (wire: Wire, code: string): readonly Play[] => [
  outage(wire, code, []),
  outage(wire, code),
  outage(wire, code, [
    [dps.ends('tcp', 'ENOTFOUND'), 'registering, register a, connect a', 5],
    [dps.assigns('hub2.azure-devices.net'), 'serving, connect a'],
    [hub.accepts, 'serving'],
  ]),
  {
    from: unheard(WORTH - 1),
    turns: [
      [wire, 'registering, register a, connect a'],
      [dps.assigns(), 'serving, connect a'],
      // Then once an hour.
      [wire, 'serving, connect a', 59],
      [wire, 'registering, register a, connect a'],
      [dps.assigns(), 'serving, connect a'],
      [wire, 'serving, connect a', 69],
      [wire, 'registering, register a, connect a'],
    ],
  },
];

/** The hub refuses an identity that DPS has just assigned, for as long as a hub may lag DPS. */
const notHonoured = (then: string): readonly Turn[] => [
  [dps.assigns(), 'serving, connect a'],
  [hub.connack(5), 'serving, connect a', 9],
  [hub.connack(5), then],
];

const flapping: Play = {
  from: serving,
  turns: [
    [hub.drops(20_000), 'serving, connect a'],
    [hub.accepts, 'serving'],
    [hub.drops(20_000), 'serving, connect a'],
    [hub.accepts, 'serving'],
    [hub.drops(20_000), 'serving, connect a'],
  ],
  code: 'NL-HUB-FLAPPING',
};

export const HUBS: readonly Situation[] = [
  {
    row: 11,
    title: 'device deleted in the hub, enrollment alive',
    plays: [
      {
        from: offline,
        turns: [
          [hub.connack(5), 'registering, register a'],
          [dps.assigns(), 'serving, connect a'],
          [hub.accepts, 'serving'],
        ],
      },
    ],
    elsewhere: ['test/e2e/stories.test.ts: has forgotten the device'],
  },
  {
    row: 12,
    title: 'device disabled in the hub',
    plays: [
      {
        from: offline,
        turns: [
          [hub.connack(5), 'registering, register a'],
          ...notHonoured('registering, register a'),
          ...notHonoured('stranded'),
        ],
        person: true,
      },
      outage(hub.connack(3), 'NL-HUB-UNAVAILABLE'),
    ],
    elsewhere: [
      `${DISALLOW}: a hub that answers CONNACK 3 for a disabled device: no word to DPS, and back when it is enabled`,
      `${REFUSALS}: then the gateway is stranded, and a person is named`,
    ],
  },
  {
    row: 13,
    title: 'disabled or deleted while connected',
    plays: [
      {
        from: serving,
        turns: [
          [hub.drops(600_000), 'serving, connect a'],
          [hub.connack(5), 'registering, register a'],
        ],
      },
    ],
    elsewhere: ['test/e2e/stories.test.ts: has forgotten the device', `${DISALLOW}: disallow and re-allow`],
  },
  {
    row: 14,
    title: 'both enrollment and hub identity removed (decommissioned)',
    plays: [notEnrolled, dps.says(404, { errorCode: 404201 })].map(barred),
    elsewhere: [`${OUTAGES}: identity and enrollment are deleted`],
  },
  {
    row: 15,
    title: 'hub deleted, its name is gone',
    plays: outages(hub.ends('tcp', 'ENOTFOUND'), 'NL-HUB-UNREACHABLE'),
    elsewhere: ['test/unit/hub/session.test.ts: a hub that is not there', 'test/search/deeds.ts: hub1 is gone'],
  },
  {
    row: 16,
    title: 'DNS or resolver broken',
    plays: [outage(hub.ends('tcp', 'EAI_AGAIN'), 'NL-HUB-UNREACHABLE')],
    elsewhere: ['test/unit/mqtt/tap.test.ts: no such name'],
  },
  {
    row: 17,
    title: 'hub failover or service upgrade',
    plays: [...outages(hub.connack(3), 'NL-HUB-UNAVAILABLE'), ...outages(hub.ends('connack'), 'NL-HUB-CLOSED')],
    elsewhere: [
      `${OUTAGES}: connack`,
      `${OUTAGES}: close-before-connack`,
      'test/rows/table/session.ts: and then once an hour',
    ],
  },
  {
    row: 18,
    title: 'network partition',
    plays: [
      ...['ETIMEDOUT', 'EHOSTUNREACH'].map((code) => outage(hub.ends('tcp', code), 'NL-HUB-UNREACHABLE')),
      outage(hub.ends('tls', 'ECONNRESET'), 'NL-HUB-CLOSED'),
      { from: serving, turns: [[hub.drops(3_600_000), 'serving, connect a']] },
    ],
    elsewhere: [`${OUTAGES}: reset`],
  },
  {
    row: 19,
    title: 'firewall resets, or the port is closed',
    plays: [outage(hub.ends('tcp', 'ECONNREFUSED'), 'NL-HUB-UNREACHABLE')],
    elsewhere: [
      `${OUTAGES}: port-closed`,
      'test/unit/network/reach.test.ts: through a proxy that allows 443 only: 8883 is refused once, and 443 is remembered',
    ],
  },
  {
    row: 20,
    title: 'captive portal or TLS proxy',
    plays: [outage(hub.ends('tls', 'SELF_SIGNED_CERT_IN_CHAIN'), 'NL-HUB-UNTRUSTED')],
    elsewhere: [`${OUTAGES}: untrusted-server`, `${OUTAGES}: wrong-host`],
  },
  {
    row: 21,
    title: 'the server CA has changed, at hub and DPS',
    plays: [
      outage(hub.ends('tls', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'NL-HUB-UNTRUSTED'),
      {
        from: registering,
        turns: [[dps.ends('tls', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'registering, register a', 100]],
        code: 'NL-DPS-UNTRUSTED',
      },
    ],
    elsewhere: ['test/unit/dps/registration.test.ts: a server that is not trusted'],
  },
  {
    row: 28,
    title: 'leaf expired, at the hub',
    plays: [
      {
        from: offline,
        turns: [
          [hub.ends('connack'), 'serving, connect a', 3],
          [wakes(current.notAfter), 'generating-key, generate-key b, connect a'],
        ],
      },
    ],
    elsewhere: ['test/e2e/renewal.test.ts: EST is down until the leaf has expired: then HTTP Basic is the way back'],
  },
  {
    row: 30,
    title: 'TLS alert on the client certificate',
    plays: [
      outage(hub.ends('connack', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'NL-HUB-CLOSED'),
      {
        from: connectingNext,
        turns: [[hub.ends('connack', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'connecting-next, connect b', 19]],
        code: 'NL-HUB-CLOSED',
      },
    ],
    elsewhere: [`${OUTAGES}: tls-alert`, `${OUTAGES}: tls-alert-early`],
    because:
      'The table goes back to the old leaf where the alerts began with the new one. Here an alert is an outage, as it may come from a proxy: the new leaf is tried on, beside the open session of the old one.',
  },
  {
    row: 31,
    title: 'HSM login or signature fails in the handshake',
    plays: [{ from: offline, turns: [[tokenFails, 'serving, connect a', 3]], code: 'NL-TOKEN-FAILED' }],
    elsewhere: [
      'test/contract/token/tls.ts: a handshake with a key that was destroyed is known as a fault of the token, not of the network',
    ],
  },
  { row: 32, title: 'session stolen by another connection with the same ID', plays: [flapping], elsewhere: [FLAPPING] },
  { row: 33, title: 'daily quota exceeded', plays: [flapping], elsewhere: [FLAPPING] },
  {
    row: 34,
    title: 'hub throttles connections',
    plays: [outage(hub.connack(3), 'NL-HUB-UNAVAILABLE')],
    elsewhere: [
      `${OUTAGES}: connack`,
      'test/unit/roll/backoff.test.ts: connects: over each second from one rung to the next',
    ],
  },
  {
    row: 35,
    title: 'twin throttled',
    plays: [outage(hub.fails('NL-HUB-TWIN'), 'NL-HUB-TWIN')],
    elsewhere: ['test/unit/hub/session.test.ts: twin read 429, empty'],
  },
  {
    row: 36,
    title: 'PUBACK missing, or half-open',
    plays: [{ from: serving, turns: [[hub.drops(240_000), 'serving, connect a']] }],
    elsewhere: [
      'test/unit/hub/twin.test.ts: a write without an answer is an error',
      'test/unit/mqtt/tap.test.ts: an idle session',
      'test/unit/simulator/faults.test.ts: no-pingresp',
    ],
    because:
      'A ping goes out every 180 s, as Microsoft has it, and an answer that has not come after 60 s is none: a half-open session ends within 240 s. The test has a ping every 0.3 s.',
  },
];
