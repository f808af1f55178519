import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Screen } from '../../../../agent/cli/kit/screen.ts';
import { renderPrograms, statusRows } from '../../../../agent/cli/uplink/screen.ts';
import { bytesInWords } from '../../../../agent/cli/uplink/words.ts';
import { failure } from '../../../../agent/failure/failure.ts';
import { NOW } from '../stage.ts';
import { idle, programWith } from './gateway.ts';

const screen: Screen = { width: 80, isColoured: false, isUnicode: true };
const place = '/var/lib/newleaf';

test('the list', () => {
  const programs = [
    idle({ clients: 0 }),
    programWith({
      name: 'plc',
      connects: 'key',
      clients: 2,
      inbox: 1,
      inboxBytes: 117,
      resent: 3,
      refused: 2,
      dropped: 1,
      expired: 4,
      setAside: 1,
      terms: { maxBytes: 8 * 2 ** 20, maxAgeMs: 2 * 86_400_000, rate: 5, priority: 'bulk' },
    }),
    programWith({
      name: 'x',
      queued: 1,
      bytes: 300,
      trouble: failure('NL-UPLINK-SOCKET', { message: 'No.', advice: 'Add it.' }),
    }),
  ];
  assert.equal(
    renderPrograms({ programs, rate: 4.5, isThrottled: true }, NOW, place, screen),
    `● sensors: by its socket, no connections
  no message waits for the hub
  since the start of the daemon: 1204 sent

● plc: by its key, 2 connections
  12 messages wait for the hub (3.4 KiB), the oldest for 5 min
  1 message waits for the program (117 bytes)
  set for it: at most 8.0 MiB, for at most 2 days, at most 5 a second, priority
    bulk
  since the start of the daemon: 1204 sent, 3 sent again, 2 refused, 1 dropped,
    4 expired
  1 message set aside: see /var/lib/newleaf/uplink/plc/rejected

● x: by its socket, 1 connection
  1 message waits for the hub (300 bytes), the oldest for 5 min
  since the start of the daemon: 1204 sent
  NL-UPLINK-SOCKET No.
  → Add it.

NL-UPLINK-THROTTLED The hub seems to throttle: messages go at 4.5 a second.
→ Operator of the hub: look at its quota and its throttling. Nothing is lost;
  the messages wait on the gateway.
`,
  );
});

test('red where a person is needed, yellow where something was lost', () => {
  const colour = (program: ReturnType<typeof idle>) =>
    renderPrograms({ programs: [program] }, NOW, place, { ...screen, isColoured: true }).slice(2, 4);
  assert.equal(colour(idle()), '32');
  assert.equal(colour(idle({ dropped: 1 })), '33');
  assert.equal(colour(idle({ trouble: failure('NL-UPLINK-THROTTLED') })), '33');
  assert.equal(colour(idle({ trouble: failure('NL-UPLINK-FULL') })), '31');
});

test('in the status: many as one, the oldest of all', () => {
  const programs = [1, 2, 3, 4, 5].map((hours) =>
    programWith({ name: `p${hours}`, oldest: new Date(NOW - hours * 3_600_000).toISOString() }),
  );
  assert.deepEqual(statusRows({ programs, rate: 1, isThrottled: true }, NOW), [
    '5 programs: 60 messages wait for the hub (17.0 KiB), the oldest for 5 hours',
    'The hub seems to throttle: messages go at 1 a second.',
  ]);
  const troubled = [...programs.slice(1), idle({ trouble: failure('NL-UPLINK-FULL') })];
  assert.match(statusRows({ programs: troubled }, NOW)[0] ?? '', /; 1 with a trouble: `newleaf uplink list`$/);
  const few = statusRows({ programs: programs.slice(3), rate: 1, isThrottled: true }, NOW);
  assert.equal(few.at(-1), 'The hub seems to throttle: messages go at 1 a second.');
});

test('sizes', () => {
  const rows = [0, 1, 1_023, 1_024, 102_400, 1_048_576, 64 * 1024 ** 2, 3 * 1024 ** 4];
  assert.deepEqual(rows.map(bytesInWords), [
    '0 bytes',
    '1 bytes',
    '1023 bytes',
    '1.0 KiB',
    '100 KiB',
    '1.0 MiB',
    '64.0 MiB',
    '3072 GiB',
  ]);
});
