import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exitOfStatus } from '../../../agent/cli/status/wrong.ts';
import { plainCause } from '../../../agent/failure/cause.ts';
import { CODES, type Code, failure } from '../../../agent/failure/failure.ts';
import { misnamed } from '../../../agent/roll/misnamed.ts';
import { lineOf, presentOf, type ReportOptions, statusOf, twinOf } from '../../../agent/roll/report.ts';
import type { RollState } from '../../../agent/roll/state.ts';
import { needsAction } from '../../../agent/roll/wrong.ts';
import { made, met as metBy } from './candidates.ts';
import { NOW, terms } from './machine.ts';
import { SITUATIONS } from './memories.ts';
import { current, HOUR, person, waitsFor } from './standing.ts';

const { serving } = SITUATIONS;
const { online: _, ...offline } = serving;
const options: ReportOptions = { version: '1', registrationId: 'gw-1', terms, now: NOW };
const parkedFor = (code: Code): RollState => ({
  ...serving,
  next: waitsFor(failure(code)),
});
const atWork = (code: Code, cause?: string) => ({ workTrouble: metBy(failure(code, { cause })) });
const atSession = (code: Code, cause?: string) => ({ sessionTrouble: metBy(failure(code, { cause })) });
const met = (code: Code, cause?: string): RollState => ({
  ...offline,
  ...(code.startsWith('NL-HUB-') ? atSession(code, cause) : atWork(code, cause)),
});

const end = current.notAfter;
const expired: RollState = { ...serving, alarm: 'expired' };
const early = { now: current.notBefore - 1 };
const late = { now: end + HOUR };

/** Each break, and what is told of it: the exit code of `status`, and the codes in their order. */
const ROWS: readonly (readonly [what: string, RollState, Partial<ReportOptions>, exit: number, ...codes: Code[]])[] = [
  ['nothing', serving, {}, 0],
  ['offline, and not known why', offline, {}, 1],
  [
    'no hub is reached, and DPS takes the onboarding certificate no more',
    { ...offline, ...atSession('NL-HUB-UNREACHABLE') },
    { others: [failure('NL-ONBOARDING-EXPIRED')] },
    4,
    'NL-ONBOARDING-EXPIRED',
    'NL-HUB-UNREACHABLE',
  ],
  [
    'the leaf serves, and its roll waits for another onboarding certificate',
    { ...serving, ...atWork('NL-ONBOARDING-EXPIRED') },
    {},
    4,
    'NL-ONBOARDING-EXPIRED',
  ],
  [
    'the clock is behind: nobody is blamed for a certificate',
    met('NL-HUB-UNTRUSTED', 'CERT_NOT_YET_VALID'),
    early,
    1,
    'NL-CLOCK',
  ],
  ['the clock is behind: nor for a leaf', met('NL-LEAF-NOT-YET'), early, 1, 'NL-CLOCK'],
  [
    'the clock is behind, and the alarm is an old one',
    { ...expired, ...atSession('NL-HUB-UNREACHABLE') },
    early,
    1,
    'NL-CLOCK',
    'NL-HUB-UNREACHABLE',
  ],
  ['the clock is ahead, for the hub', met('NL-HUB-UNTRUSTED', 'CERT_HAS_EXPIRED'), {}, 1, 'NL-CLOCK'],
  ['the clock is ahead, for DPS', met('NL-DPS-UNTRUSTED', 'CERT_HAS_EXPIRED'), {}, 1, 'NL-CLOCK'],
  [
    'the clock is ahead, for EST and the leaf',
    { ...expired, ...atWork('NL-EST-UNTRUSTED', 'certificate has expired') },
    late,
    1,
    'NL-CLOCK',
    'NL-LEAF-EXPIRED',
  ],
  [
    'the clock is ahead, and a person brings the leaves',
    { ...expired, ...met('NL-HUB-UNTRUSTED', 'CERT_HAS_EXPIRED'), alarm: 'expired' },
    { ...late, terms: { ...terms, ...person } },
    1,
    'NL-CLOCK',
    'NL-LEAF-EXPIRED',
  ],
  [
    'a certificate of EST alone has expired',
    met('NL-EST-UNTRUSTED', 'certificate has expired'),
    {},
    1,
    'NL-EST-UNTRUSTED',
  ],
  ['the clock was ahead, and is right again', expired, {}, 0],
  ['the leaf has expired', expired, late, 1, 'NL-LEAF-EXPIRED'],
  [
    'the leaf has expired, and the hub ends the handshake',
    { ...expired, ...atSession('NL-HUB-CLOSED') },
    late,
    1,
    'NL-LEAF-EXPIRED',
  ],
  [
    'the leaf has expired, and EST is away',
    { ...expired, ...atWork('NL-EST-UNREACHABLE') },
    late,
    1,
    'NL-LEAF-EXPIRED',
    'NL-EST-UNREACHABLE',
  ],
  [
    'the leaf has expired, and a person brings the next',
    serving,
    { ...late, terms: { ...terms, ...person } },
    4,
    'NL-ISSUER-PERSON',
  ],
  ['wrong PIN', met('NL-TOKEN-PIN'), {}, 1, 'NL-TOKEN-PIN'],
  [
    'the token is not there, and the leaf has expired',
    { ...expired, ...atWork('NL-TOKEN-MISSING') },
    late,
    1,
    'NL-TOKEN-MISSING',
    'NL-LEAF-EXPIRED',
  ],
  ['DNS is dead', met('NL-HUB-UNREACHABLE', 'EAI_AGAIN'), {}, 1, 'NL-HUB-UNREACHABLE'],
  ['disk full', serving, { others: [failure('NL-STATE-WRITE')] }, 1, 'NL-STATE-WRITE'],
  ['wrong CA', met('NL-HUB-UNTRUSTED', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'), {}, 1, 'NL-HUB-UNTRUSTED'],
  [
    'the enrollment is disabled',
    { ...parkedFor('NL-DPS-DISABLED'), ...atWork('NL-DPS-DISABLED') },
    {},
    4,
    'NL-DPS-DISABLED',
  ],
  [
    'the configuration has another name than the leaf, and each that is asked with it refuses',
    { ...parkedFor('NL-EST-REFUSED'), ...atWork('NL-EST-REFUSED'), ...atSession('NL-HUB-UNREACHABLE') },
    { registrationId: 'gw-2' },
    4,
    'NL-DPS-REJECTED',
    'NL-EST-REFUSED',
    'NL-HUB-UNREACHABLE',
  ],
  ['stranded', { ...SITUATIONS.stranded, ...atWork('NL-DPS-401002') }, {}, 4, 'NL-DPS-401002', 'NL-HUB-REJECTED'],
  ['the hub port is closed', met('NL-HUB-UNREACHABLE', 'ECONNREFUSED'), {}, 1, 'NL-HUB-UNREACHABLE'],
  ['a second client', met('NL-HUB-FLAPPING'), {}, 1, 'NL-HUB-FLAPPING'],
  ['a candidate without an answer', parkedFor('NL-HUB-CLOSED'), {}, 0, 'NL-HUB-CLOSED'],
  [
    'a candidate, and the token',
    { ...parkedFor('NL-DPS-401002'), ...atWork('NL-TOKEN-FAILED') },
    {},
    4,
    'NL-TOKEN-FAILED',
    'NL-DPS-401002',
  ],
  [
    'a candidate, and the issuer',
    { ...parkedFor('NL-DPS-401002'), ...atWork('NL-EST-REFUSED') },
    {},
    4,
    'NL-DPS-401002',
    'NL-EST-REFUSED',
  ],
  ['the issuer is away', { ...serving, ...atWork('NL-EST-UNREACHABLE') }, {}, 0, 'NL-EST-UNREACHABLE'],
  ['the issuer refuses', { ...serving, ...atWork('NL-EST-AUTH') }, {}, 1, 'NL-EST-AUTH'],
  ['the CSR is out, and the issuer needs no person', { ...serving, next: made('delivery') }, {}, 0],
];

test('a token that fails now is told before what the candidate met there', () => {
  const state = { ...parkedFor('NL-TOKEN-OCCUPIED'), ...atWork('NL-TOKEN-FAILED') };
  const codes = statusOf(state, options).wrong.map(({ code }) => code);
  assert.deepEqual(codes, ['NL-TOKEN-FAILED', 'NL-TOKEN-OCCUPIED']);
});

describe('what is wrong is told in one order, everywhere alike', () => {
  for (const [what, state, more, exit, ...codes] of ROWS) {
    test(what, () => {
      const asked = { ...options, ...more };
      const status = statusOf(state, asked);
      assert.deepEqual(
        status.wrong.map(({ code }) => code),
        codes,
      );
      assert.equal(exitOfStatus(status), exit);
      const line = lineOf(presentOf(state, asked));
      assert.deepEqual(line.match(/NL-[A-Z0-9-]+/)?.[0], codes[0]);
      const { cause } = status.wrong[0] ?? {};
      assert.ok(cause === undefined || line.includes(` (${plainCause(cause)}) `), line);
      const { trouble } = twinOf(presentOf(state, asked), 'newleaf') as { trouble?: string };
      assert.equal(trouble, codes.find(needsAction));
      for (const { message, advice } of status.wrong) assert.ok(message !== '' && advice !== '');
    });
  }
});

test('a clock that may be ahead: both possibilities are told, and what finds out', () => {
  const [clock, leaf] = statusOf(
    { ...expired, ...atWork('NL-DPS-UNTRUSTED', 'CERT_HAS_EXPIRED') },
    { ...options, ...late },
  ).wrong;
  assert.match(clock?.message ?? '', /seems to be ahead: by it the certificate of DPS and the leaf have expired/);
  assert.match(clock?.advice ?? '', /^Run `newleaf check clock`.* If the clock is right, /);
  assert.match(leaf?.advice ?? '', /^If the clock is right: /);
});

test('the end of the leaf is told before it comes, and why nothing renews it', () => {
  const told = (renewAt: typeof terms.renewAt) =>
    statusOf({ ...serving, alarm: '1hour' }, { ...options, now: end - 60_000, terms: { ...terms, renewAt } }).wrong[0];
  assert.equal(told(terms.renewAt)?.code, 'NL-LEAF-EXPIRING');
  assert.match(
    told(terms.renewAt)?.message ?? '',
    /^The leaf expires on \d{4}-\d\d-\d\d \d\d:\d\d UTC, and its renewal is overdue\.$/,
  );
  assert.match(told('off')?.message ?? '', /nothing renews it: leaf\.renew_at is "off"/);
});

test('an online gateway ends with 0 only where there is nothing to do: what newleaf goes on trying by itself', () => {
  const passing = (Object.keys(CODES) as Code[]).filter(
    (code) => exitOfStatus(statusOf({ ...serving, ...atWork(code) }, options)) === 0,
  );
  assert.deepEqual(passing.toSorted(), [
    'NL-AZURE-BUSY',
    'NL-AZURE-PENDING',
    'NL-AZURE-SILENT',
    'NL-BUDGET',
    'NL-BUSY',
    'NL-BUSY-LONG',
    'NL-CMD-UNREACHABLE',
    'NL-CMD-WAIT',
    'NL-CONFIG-READ',
    'NL-CONTROL-BUSY',
    'NL-CONTROL-GONE',
    'NL-CONTROL-SOCKET',
    'NL-DAEMON-DOWN',
    'NL-DPS-BODY',
    'NL-DPS-CONFLICT',
    'NL-DPS-OTHER',
    'NL-DPS-SERVER',
    'NL-DPS-THROTTLED',
    'NL-DPS-TIMEOUT',
    'NL-DPS-UNREACHABLE',
    'NL-EST-SERVER',
    'NL-EST-UNREACHABLE',
    'NL-EST-WAIT',
    'NL-HUB-CLOSED',
    'NL-HUB-LOST',
    'NL-HUB-TWIN',
    'NL-HUB-UNAVAILABLE',
    'NL-HUB-UNREACHABLE',
    'NL-NETWORK-PROXY',
    'NL-STATE-READ',
    'NL-TOKEN-PIN-READ',
    'NL-TPM-BLOB',
    'NL-UPLINK-THROTTLED',
  ]);
});

test('a leaf of another registration ID than the configuration says is named, with both', () => {
  assert.equal(misnamed(current, current.cn), undefined);
  assert.equal(misnamed(undefined, 'gw-0010'), undefined);
  const { code, message, advice } = misnamed(current, 'gw-0010') ?? assert.fail();
  assert.deepEqual(
    [code, message],
    ['NL-DPS-REJECTED', `The CN of the leaf is ${current.cn}, and dps.registration_id is gw-0010.`],
  );
  assert.match(advice, new RegExp(`Set dps\\.registration_id = "${current.cn}"`));
  // DPS says the same with less.
  const refused = { ...offline, ...atWork('NL-DPS-REJECTED') };
  const told = statusOf(refused, { ...options, registrationId: 'gw-0010' }).wrong;
  assert.deepEqual(
    told.map((one) => one.message),
    [message],
  );
});
