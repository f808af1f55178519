import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Screen } from '../../../agent/cli/kit/screen.ts';
import { renderStatus } from '../../../agent/cli/status/screen.ts';
import { type Code, failure } from '../../../agent/failure/failure.ts';
import type { NextStatus, Status } from '../../../agent/roll/report.ts';
import { ended, leaf, NOW, statusWith } from './stage.ts';
import { idle } from './uplink/gateway.ts';

const unicode: Screen = { width: 80, isColoured: false, isUnicode: true };
const ascii: Screen = { ...unicode, isUnicode: false };
const place = { directory: '/var/lib/newleaf' };
const at = (ms: number) => new Date(NOW + ms).toISOString();

const { code, message, advice } = failure('NL-DPS-401002');
const refusal = { code, message, advice };

test('all is well', () => {
  const status = statusWith({
    last: ended({ reason: 'due', from: 'newleaf', endedAt: at(-3 * 3_600_000) }),
    trail: [
      { at: at(-3 * 3_600_000), from: 'retiring-key', to: 'serving', why: 'key-destroyed' },
      { at: at(-3 * 3_600_000 - 1_500), from: 'connecting-next', to: 'retiring-key', why: 'connected' },
    ],
  });
  assert.equal(
    renderStatus(status, unicode, place),
    `● gw-0001: serving with the current leaf, online
  2026-11-25 14:49:53 UTC+01:00, newleaf 0.1.0

  Leaf         CN gw-0001, key in slot b
  Issuer       Contoso Device CA 2
  Thumbprint   0123 4567 89AB CDEF 0123 4567 89AB CDEF
               0123 4567 89AB CDEF 0123 4567 89AB CDEF
  Expires      in 36 days (2027-01-01 01:00)
               ██████████████████░│░░░░░░░░░░ 60 % of its lifetime
  Renewal      planned in 2 days (2026-11-28 04:12)

  Hub          hub-1.azure-devices.net
  Device ID    gw-0001

  Last         roll r1, since the leaf was due, ended 3 hours ago: done

Lately
  2026-11-25 11:49:53  retiring-key → serving: key destroyed
  2026-11-25 11:49:51  connecting-next → retiring-key: the hub accepted it

What to do
  Nothing. The leaf is to be renewed in 2 days (2026-11-28 04:12).
`,
  );
});

test('a parked candidate, on a screen without UTF-8', () => {
  const { renewAt: _, ...next } = { ...leaf, slot: 'a' as const, thumbprint: 'FEDCBA9876543210'.repeat(4) };
  const status = statusWith({
    person: true,
    trouble: refusal,
    next: { slot: 'a', standing: 'parked', leaf: next, askAt: at(360_000), refusals: 2, trouble: refusal },
    last: ended({ outcome: 'person', ...refusal, endedAt: at(-61_000) }),
    trail: [{ at: at(-61_000), from: 'registering-next', to: 'serving', why: 'refused', code }],
  });
  assert.equal(
    renderStatus(status, ascii, place),
    `* gw-0001: serving with the current leaf, online
  2026-11-25 14:49:53 UTC+01:00, newleaf 0.1.0

  Leaf         CN gw-0001, key in slot b
  Issuer       Contoso Device CA 2
  Thumbprint   0123 4567 89AB CDEF 0123 4567 89AB CDEF
               0123 4567 89AB CDEF 0123 4567 89AB CDEF
  Expires      in 36 days (2027-01-01 01:00)
               ##################.|.......... 60 % of its lifetime
  Renewal      planned in 2 days (2026-11-28 04:12)

  Candidate    enroll this leaf: DPS refused it 2 times
  Next leaf    CN gw-0001, key in slot a
  Issuer       Contoso Device CA 2
  Thumbprint   FEDC BA98 7654 3210 FEDC BA98 7654 3210
               FEDC BA98 7654 3210 FEDC BA98 7654 3210
  PEM          /var/lib/newleaf/next.pem
  Asked again  in 6 min (2026-11-25 14:55)

  Hub          hub-1.azure-devices.net
  Device ID    gw-0001

  Last         roll r1, asked for by a technician, ended 61 s ago: not done: a
               person is needed (NL-DPS-401002)

Lately
  2026-11-25 14:48:52  registering-next -> serving: refused (NL-DPS-401002)

What to do
  NL-DPS-401002 DPS does not accept this leaf: neither the leaf nor one of its
  issuers is enrolled, or the enrollment is disabled.
  -> Operator: enroll this leaf (/var/lib/newleaf/next.pem) or its issuer in
     DPS, or enable the enrollment, then \`newleaf reprovision\`. newleaf asks
     again by itself in 6 min.
`,
  );
});

test('a candidate that is on its way out is neither kept nor asked again', () => {
  const told = (next: Partial<NextStatus>) =>
    renderStatus(statusWith({ next: { slot: 'a', standing: 'rolling', ...next } }), ascii, place).replaceAll(
      /\s+/g,
      ' ',
    );
  const goes = 'it goes once DPS has accepted the current leaf again';
  assert.match(told({ unwanted: 'discarded' }), new RegExp(`Candidate discarded: ${goes} `));
  assert.match(told({ unwanted: 'key-lost' }), new RegExp(`Candidate its key is lost: ${goes} `));
  assert.doesNotMatch(told({ askAt: at(-77_000) }), /Asked again/);
});

test('a refused CSR: what asks again at once, and when newleaf does', () => {
  const told = (code: Code) => {
    const next = { slot: 'a', standing: 'parked', askAt: at(303_000), refusals: 1, trouble: failure(code) } as const;
    return renderStatus(statusWith({ wrong: [failure(code)], next }), ascii, place).replaceAll(/\s+/g, ' ');
  };
  assert.match(
    told('NL-EST-AUTH'),
    /bootstrap identity\. After that: `newleaf roll --wait`; after a change of the configuration: `systemctl restart newleaf`\. newleaf asks again by itself in 5 min\. $/,
  );
  assert.match(told('NL-LEAF-CN'), /keep the subject of the CSR\. After that: `newleaf roll --wait`/);
  assert.doesNotMatch(told('NL-TOKEN-OCCUPIED'), /After that:/);
});

test('a pause of more than some minutes: its end, and the command that cuts it', () => {
  const told = (code: Code, askAt?: string) => {
    const trouble = { ...failure(code), ...(askAt !== undefined && { askAt }) };
    return renderStatus(statusWith({ wrong: [failure(code)], trouble }), ascii, place).replaceAll(/\s+/g, ' ');
  };
  const later = at(3 * 3_600_000);
  assert.match(
    told('NL-DPS-THROTTLED', later),
    /newleaf asks again by itself in 3 hours; at once: `newleaf reprovision`\. $/,
  );
  assert.match(
    told('NL-EST-UNREACHABLE', later),
    /newleaf asks again by itself in 3 hours; at once: `newleaf roll`\. $/,
  );
  assert.doesNotMatch(told('NL-DPS-THROTTLED'), /asks again by itself/);
});

test('a new gateway, with a request that is to begin', () => {
  const { leaf: _, hub: _hub, ...rest } = statusWith();
  const request = { id: 'm1', action: 're-register', reason: 'asked', from: 'method', at: at(-20_000) } as const;
  const status: Status = {
    ...rest,
    phase: 'unprovisioned',
    words: 'has no leaf yet',
    online: false,
    scheduled: { ...request, startAt: at(40_000) },
  };
  assert.equal(
    renderStatus(status, unicode, place),
    `● gw-0001: has no leaf yet, offline
  2026-11-25 14:49:53 UTC+01:00, newleaf 0.1.0

  Leaf         none yet

  Hub          none assigned yet

  Scheduled    re-registration m1, asked for by direct method 20 s ago, begins
               in 40 s (2026-11-25 14:50)

What to do
  Nothing: newleaf is at work. See it happen with \`newleaf status --watch\`.
`,
  );
});

describe('what to do', () => {
  const { renewAt: _, ...unplanned } = leaf;
  const request = { id: 'x', action: 'roll', reason: 'due', from: 'newleaf', at: at(-5_000) } as const;
  const rows: readonly (readonly [name: string, change: Partial<Status>, expected: string])[] = [
    [
      'offline, and nothing known',
      { online: false },
      'Nothing yet: newleaf is trying to reach the hub. If it lasts: `newleaf check`.',
    ],
    [
      'at work',
      { phase: 'registering', request },
      'Nothing: newleaf is at work. See it happen with `newleaf status --watch`.',
    ],
    ['scheduled', { scheduled: { ...request, startAt: at(9_000) } }, 'Nothing: newleaf begins by itself.'],
    ['no renewal', { leaf: unplanned }, 'Nothing now. But nothing renews this leaf by age: leaf.renew_at is "off".'],
    [
      'stranded',
      { phase: 'stranded', person: true, trouble: refusal },
      'NL-DPS-401002 DPS does not accept this leaf: neither the leaf nor one of its',
    ],
  ];
  for (const [name, change, expected] of rows) {
    test(name, () => {
      const shown = renderStatus(statusWith(change), unicode, place);
      assert.equal(shown.split('What to do\n  ')[1]?.split('\n')[0], expected);
    });
  }

  test('a code of the system is told in words', () => {
    const told = (cause: string) => {
      const trouble = failure('NL-HUB-UNREACHABLE', { cause });
      return renderStatus(statusWith({ online: false, trouble }), unicode, place).replaceAll(/\s+/g, ' ');
    };
    assert.match(told('EAI_AGAIN'), /The hub cannot be reached\. \(no name server answers, EAI_AGAIN\)/);
    assert.match(told('CONNACK 3'), /The hub cannot be reached\. \(CONNACK 3\)/);
  });

  test('all that is wrong is told, and then that of the programs', () => {
    const wrong = [failure('NL-CLOCK'), failure('NL-EST-REFUSED')];
    const uplink = { programs: [idle({ trouble: failure('NL-UPLINK-DISK') })] };
    const shown = renderStatus({ ...statusWith({ wrong }), uplink }, unicode, place);
    assert.deepEqual(shown.match(/^ {2}NL-[A-Z0-9-]+/gm), ['  NL-CLOCK', '  NL-EST-REFUSED', '  NL-UPLINK-DISK']);
  });
});

test('nothing is said of a moment that the clock has not reached: it was ahead then', () => {
  const request = { id: 'x', action: 'roll', reason: 'due', from: 'newleaf', at: at(86_400_000) } as const;
  const last = ended({ reason: 'due', from: 'newleaf', endedAt: at(86_400_000) });
  const shown = renderStatus(statusWith({ request, last }), unicode, place);
  assert.match(shown, /In flight {4}roll x, since the leaf was due\n/);
  assert.match(shown, /Last {9}roll r1, since the leaf was due, ended: done\n/);
});

describe('the leaf', () => {
  const rows: readonly (readonly [name: string, change: Partial<typeof leaf>, shown: RegExp])[] = [
    ['expired', { notAfter: at(-86_400_000 * 3) }, /Expired {6}3 days ago .*\n {15}█{29}│ 100 % of its lifetime/],
    ['due', { renewAt: at(-3_600_000 * 5) }, /Renewal {6}due since 5 hours ago \(2026-11-25 09:49\)/],
    ['not valid yet', { notBefore: at(3_600_000) }, /░+│░+ 0 % of its lifetime/],
    ['given', { slot: 'given' }, /Leaf {9}CN gw-0001, the key that came with the token/],
    ['hostile', { issuer: 'x\u001b[2J\u001b]0;y\u0007' }, /Issuer {7}x\?\[2J\?\]0;y\?\n/],
  ];
  for (const [name, change, shown] of rows) {
    test(name, () => assert.match(renderStatus(statusWith({ leaf: { ...leaf, ...change } }), unicode, place), shown));
  }
});

test('colour tells how urgent it is, and is not the only one to tell', () => {
  const dot = (change: Partial<Status>) =>
    renderStatus(statusWith(change), { ...unicode, isColoured: true }, place).slice(0, 5);
  assert.equal(dot({}), '\u001b[32m');
  assert.equal(dot({ online: false }), '\u001b[33m');
  assert.equal(dot({ wrong: [failure('NL-LEAF-EXPIRING')] }), '\u001b[33m');
  assert.equal(dot({ person: true }), '\u001b[31m');
  assert.equal(dot({ alarm: 'expired' }), '\u001b[31m');
});
