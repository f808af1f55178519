import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Screen } from '../../../agent/cli/kit/screen.ts';
import { renderStatus, statusLine } from '../../../agent/cli/status/screen.ts';
import { exitOfStatus } from '../../../agent/cli/status/wrong.ts';
import { failure } from '../../../agent/failure/failure.ts';
import { NOW, statusWith } from './stage.ts';

const screen: Screen = { width: 100, isColoured: false, isUnicode: true };
const ROWS: readonly (readonly [silentS: number, isDoubted: boolean, head: string, line: string])[] = [
  [5, false, 'online', 'online'],
  [59, false, 'online', 'online'],
  [150, false, 'online, the hub was heard 2 min ago', 'online'],
  [5, true, 'online, the hub was heard 5 s ago', 'online, NL-EST-UNREACHABLE'],
  [300, false, 'online, but the hub has not answered for 5 min', 'online, but the hub does not answer'],
];

for (const [silentS, isDoubted, head, line] of ROWS) {
  test(`heard ${silentS} s ago${isDoubted ? ', and another server cannot be reached' : ''}: ${head}`, () => {
    const status = statusWith({
      heardAt: new Date(NOW - silentS * 1_000).toISOString(),
      wrong: isDoubted ? [failure('NL-EST-UNREACHABLE')] : [],
    });
    const text = renderStatus(status, screen, { directory: '/var/lib/newleaf' });
    assert.equal(text.split('\n')[0], `● gw-0001: serving with the current leaf, ${head}`);
    assert.ok(statusLine(status, screen).startsWith(`gw-0001: serving with the current leaf, ${line}`));
    if (silentS > 200) assert.match(text, /What to do\n {2}Nothing yet: .*\n?.*`newleaf check`\./);
  });
}

for (const [seconds, silentS, isUnanswered] of [
  [1_177, 1_180, false],
  [1_177, 1_200, true],
  [19, 30, false],
  [19, 40, true],
] as const) {
  test(`a keepalive of ${seconds} s, and heard ${silentS} s ago: ${isUnanswered ? 'a ping has no answer' : 'well'}`, () => {
    const status = statusWith({ keepalive: { seconds }, heardAt: new Date(NOW - silentS * 1_000).toISOString() });
    assert.equal(statusLine(status, screen).includes('but the hub does not answer'), isUnanswered);
  });
}

test('a box on the way that ends idle connections is told, and is no fault once pings go out before it does', () => {
  const status = statusWith({ keepalive: { seconds: 19, idleLimitSeconds: 25 } });
  const text = renderStatus(status, screen, { directory: '/x' });
  assert.match(
    text,
    /\n {2}Keepalive {4}19 s: connections that are idle for 25 s are ended on the way to the hub\s+\(NL-NETWORK-IDLE\)\n/,
  );
  assert.match(text, /What to do\n {2}Nothing\. The leaf/);
  assert.equal(exitOfStatus(status), 0);
  assert.doesNotMatch(
    renderStatus(statusWith({ keepalive: { seconds: 180 } }), screen, { directory: '/x' }),
    /Keepalive/,
  );
});

test('one that newleaf cannot outdo is something to be looked at', () => {
  const status = statusWith({ online: false, trouble: failure('NL-NETWORK-IDLE') });
  assert.match(renderStatus(status, screen, { directory: '/x' }), /NL-NETWORK-IDLE .*\n.*Operator of the\s+network/s);
  assert.equal(exitOfStatus(status), 1);
});

test('at work, a hub that is silent for some seconds is told: another server may be away for the same reason', () => {
  const request = {
    id: 'r1',
    action: 'roll',
    reason: 'asked',
    from: 'technician',
    at: new Date(NOW - 15_000).toISOString(),
  } as const;
  const status = statusWith({ request, heardAt: new Date(NOW - 15_000).toISOString() });
  assert.match(renderStatus(status, screen, { directory: '/x' }), /, online, the hub was heard 15 s ago\n/);
});
