import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { createTpmDps, type TpmDpsOptions } from '../../../agent/dps/tpm/attest.ts';
import { type Code, Fault } from '../../../agent/failure/failure.ts';
import { connectorOf } from '../../../hsm/connector.ts';
import { LOOPBACK, leafNamed, TestCa } from '../mqtt/certificates.ts';
import { quiet } from '../mqtt/quiet.ts';
import { HttpsSide, type Reply, SoftTpm } from './https-side.ts';

quiet();
const ca = new TestCa();
const server = ca.issue('dps', LOOPBACK);
const connector = connectorOf(createSecureContext({ ca: ca.cert }));
const leaf = leafNamed('AB');
const never = new AbortController().signal;

const base64 = (text: string) => Buffer.from(text).toString('base64');
const CHALLENGE: Reply = [
  401,
  JSON.stringify({ message: 'Authorization required.', authenticationKey: base64('nonce') }),
];
const ASSIGNING: Reply = [202, '{"operationId":"4.d0","status":"assigning"}', { 'Retry-After': '0' }];
const state = (more: object) =>
  JSON.stringify({
    operationId: '4.d0',
    status: 'assigned',
    registrationState: { assignedHub: 'hub-1', deviceId: 'd', ...more },
  });
const ASSIGNED: Reply = [200, state({ tpm: { authenticationKey: base64('hub key') } })];
const error = (status: number, errorCode: number, headers = {}): Reply => [
  status,
  JSON.stringify({ errorCode, trackingId: 't', message: 'm' }),
  headers,
];

const dpsAt = (host: string, tpm: TpmDpsOptions['tpm'] = new SoftTpm(), more: Partial<TpmDpsOptions> = {}) =>
  createTpmDps({
    endpoint: host,
    idScope: '0ne0',
    registrationId: 'gw-0001',
    connectorFor: async () => connector,
    now: Date.now,
    tpm,
    requestMs: 2_000,
    ...more,
  });

const failureOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => assert.fail('it was fulfilled'),
    (thrown: unknown) => (thrown instanceof Fault ? thrown.failure : assert.fail(String(thrown))),
  );

test('registers: a challenge, a token signed with its key, polls, and the key for the hub into the TPM', async () => {
  const tpm = new SoftTpm();
  await using far = await HttpsSide.start(server, [CHALLENGE, ASSIGNING, ASSIGNING, ASSIGNED]);
  const assignment = await dpsAt(far.host, tpm, { payload: { site: 'north' } }).register(leaf, never);
  assert.deepEqual(assignment, { hub: 'hub-1', deviceId: 'd', key: 'name of hub key' });
  assert.deepEqual(tpm.taken, ['hub key'], 'the key of the challenge stays out of it');

  const [first, second, ...polls] = far.asked;
  const path = '/0ne0/registrations/gw-0001/register?api-version=2019-03-31';
  const keys = { endorsementKey: base64('ek'), storageRootKey: base64('srk') };
  assert.deepEqual([first?.method, first?.path, first?.headers.authorization], ['PUT', path, undefined]);
  assert.deepEqual(JSON.parse(first?.body ?? ''), { registrationId: 'gw-0001', tpm: keys, payload: { site: 'north' } });
  assert.deepEqual([second?.method, second?.path, second?.body], ['PUT', path, first?.body]);
  assert.equal(polls.length, 2);
  for (const poll of polls) {
    assert.deepEqual(
      [poll.method, poll.path],
      ['GET', '/0ne0/registrations/gw-0001/operations/4.d0?api-version=2019-03-31'],
    );
  }

  const [, sr = '', sig = '', se = ''] =
    /^SharedAccessSignature sr=([^&]+)&sig=([^&]+)&se=(\d+)&skn=registration$/.exec(
      second?.headers.authorization ?? '',
    ) ?? [];
  assert.equal(decodeURIComponent(sr), '0ne0/registrations/gw-0001');
  const expected = createHmac('sha256', 'nonce').update(`${sr}\n${se}`).digest('base64');
  assert.equal(decodeURIComponent(sig), expected);
  assert.ok(Math.abs(Number(se) - Date.now() / 1_000 - 3_600) < 60);
  assert.ok(polls.every(({ headers }) => headers.authorization === second?.headers.authorization));
});

test('each registration brings another session', async () => {
  await using far = await HttpsSide.start(server, [
    CHALLENGE,
    [200, state({ tpm: { authenticationKey: base64('one') } })],
    CHALLENGE,
    [200, state({ tpm: { authenticationKey: base64('two') } })],
  ]);
  const dps = dpsAt(far.host);
  const [one, two] = [await dps.register(leaf, never), await dps.register(leaf, never)];
  assert.notEqual(one.key, two.key);
});

const NOT_ENROLLED = /^Operator: .*`newleaf tpm`/;

/** Why, what DPS says in this order, the code, and what is said. The last request is the only one that may be repeated. */
const FAILS: readonly (readonly [string, readonly Reply[], Code, RegExp?])[] = [
  ['no enrollment', [error(404, 404201)], 'NL-DPS-404201', NOT_ENROLLED],
  ['another endorsement key', [error(401, 401002)], 'NL-DPS-401002', NOT_ENROLLED],
  ['refused after the challenge', [CHALLENGE, error(401, 401002)], 'NL-DPS-401002', NOT_ENROLLED],
  ['refused by the poll', [CHALLENGE, ASSIGNING, error(401, 401002)], 'NL-DPS-401002', NOT_ENROLLED],
  ['disabled', [CHALLENGE, [200, '{"status":"disabled"}']], 'NL-DPS-DISABLED'],
  ['failed', [CHALLENGE, [200, '{"status":"failed","registrationState":{"errorCode":400209}}']], 'NL-DPS-ALLOCATION'],
  ['throttled at once', [error(429, 429001)], 'NL-DPS-THROTTLED'],
  ['throttled later', [CHALLENGE, error(429, 429001)], 'NL-DPS-THROTTLED'],
  ['throttled poll', [CHALLENGE, ASSIGNING, error(429, 429001)], 'NL-DPS-THROTTLED'],
  ['503 at once', [error(503, 503001)], 'NL-DPS-SERVER'],
  ['500 later', [CHALLENGE, error(500, 500001)], 'NL-DPS-SERVER'],
  ['operation lost', [CHALLENGE, ASSIGNING, error(404, 404202)], 'NL-DPS-SERVER'],
  ['in flight', [CHALLENGE, error(409, 409203)], 'NL-DPS-CONFLICT'],
  ['a portal in between', [[200, '<html>']], 'NL-DPS-BODY'],
  ['a portal later', [CHALLENGE, [200, '<html>']], 'NL-DPS-BODY'],
  ['a redirect', [[302, '', { Location: 'http://portal/' }]], 'NL-DPS-BODY'],
  ['an empty challenge', [[401, '']], 'NL-DPS-401002'],
  ['a challenge that is no base64', [[401, '{"authenticationKey":"<html>"}']], 'NL-DPS-401002'],
  ['a challenge that is no text', [[401, '{"authenticationKey":7}']], 'NL-DPS-401002'],
  ['assigned without a challenge', [ASSIGNED], 'NL-DPS-BODY'],
  ['empty body', [CHALLENGE, [200, '']], 'NL-DPS-BODY'],
  ['assigned without a key', [CHALLENGE, [200, state({})]], 'NL-DPS-BODY'],
  ['assigned with tpm null', [CHALLENGE, [200, state({ tpm: null })]], 'NL-DPS-BODY'],
  ['assigning without an operation', [CHALLENGE, [202, '{"status":"assigning"}']], 'NL-DPS-BODY'],
  ['a body without an end', [CHALLENGE, [200, 'x'.repeat(100_000)]], 'NL-DPS-BODY'],
  ['cut at once', [(response) => response.destroy()], 'NL-DPS-UNREACHABLE', /port 443/],
  ['cut later', [CHALLENGE, (response) => response.destroy()], 'NL-DPS-UNREACHABLE', /port 443/],
  [
    'cut within the body',
    [CHALLENGE, (response) => response.writeHead(200, { 'Content-Length': '99' }).write('{', () => response.destroy())],
    'NL-DPS-UNREACHABLE',
  ],
  ['no answer', [CHALLENGE, () => {}], 'NL-DPS-TIMEOUT'],
];

for (const [why, replies, code, advice = /./] of FAILS) {
  test(`${why}: ${code}, and nothing is asked twice`, async () => {
    const tpm = new SoftTpm();
    await using far = await HttpsSide.start(server, replies);
    // An answer that comes is waited for, also on a busy machine.
    const requestMs = code === 'NL-DPS-TIMEOUT' ? 300 : 30_000;
    const failure = await failureOf(dpsAt(far.host, tpm, { requestMs }).register(leaf, never));
    assert.equal(failure.code, code);
    assert.match(failure.advice, advice);
    assert.equal(far.asked.length, replies.length);
    assert.deepEqual(tpm.taken, [], 'the key that the hub knows is still there');
  });
}

test('Retry-After is honoured', async () => {
  await using far = await HttpsSide.start(server, [error(429, 429001, { 'Retry-After': '7' })]);
  assert.equal((await failureOf(dpsAt(far.host).register(leaf, never))).retryAfterMs, 7_000);
});

test('DPS that wants to be polled after the deadline is asked again when it says', async () => {
  const later: Reply = [202, '{"operationId":"4.d0","status":"assigning"}', { 'Retry-After': '3600' }];
  await using far = await HttpsSide.start(server, [CHALLENGE, later]);
  const { code, retryAfterMs } = await failureOf(dpsAt(far.host).register(leaf, never));
  assert.deepEqual([code, retryAfterMs], ['NL-DPS-TIMEOUT', 3_600_000]);
});

test('a refusal by a DPS whose clock is far ahead is a matter of the clock', async () => {
  const now = Date.UTC(2030, 0);
  const at = (ms: number) => error(401, 401000, { Date: new Date(now + ms).toUTCString() });
  for (const [ms, code] of [
    [2 * 3_600_000, 'NL-CLOCK'],
    [20 * 60_000, 'NL-DPS-401002'],
    [-2 * 3_600_000, 'NL-DPS-401002'],
  ] as const) {
    await using far = await HttpsSide.start(server, [CHALLENGE, at(ms)]);
    const dps = dpsAt(far.host, new SoftTpm(), { now: () => now });
    const { code: said, kind } = await failureOf(dps.register(leaf, never));
    assert.deepEqual([said, kind], [code, code === 'NL-CLOCK' ? 'transient' : 'refused']);
  }
});

test('a server that nobody vouches for, and a port that is closed', async () => {
  const host = await (async () => {
    await using far = await HttpsSide.start(new TestCa().issue('dps', LOOPBACK), [CHALLENGE]);
    assert.equal((await failureOf(dpsAt(far.host).register(leaf, never))).code, 'NL-DPS-UNTRUSTED');
    assert.equal(far.asked.length, 0);
    return far.host;
  })();
  assert.equal((await failureOf(dpsAt(host).register(leaf, never))).code, 'NL-DPS-UNREACHABLE');
});

test('what the TPM throws comes back as it is', async () => {
  const broken = new Error('the TPM is on fire');
  const throws = () => Promise.reject(broken);
  await using far = await HttpsSide.start(server, [CHALLENGE, ASSIGNED]);
  for (const part of ['identity', 'prove', 'take'] as const) {
    far.asked.length = 0;
    const tpm = Object.assign(new SoftTpm(), { [part]: throws });
    await assert.rejects(dpsAt(far.host, tpm).register(leaf, never), broken, part);
  }
});

test('the overall deadline holds where DPS goes on assigning', async () => {
  await using far = await HttpsSide.start(server, [CHALLENGE, ASSIGNING]);
  const late = await failureOf(dpsAt(far.host, new SoftTpm(), { deadlineMs: 500 }).register(leaf, never));
  assert.equal(late.code, 'NL-DPS-TIMEOUT');
});

test('an abort ends it at once, whatever the TPM is doing', async () => {
  await using far = await HttpsSide.start(server, [CHALLENGE, ASSIGNED]);
  const abort = new AbortController();
  const slow = Object.assign(new SoftTpm(), {
    async prove() {
      abort.abort(new Error('enough'));
      return Buffer.from('s');
    },
  });
  await assert.rejects(dpsAt(far.host, slow).register(leaf, abort.signal), { message: 'enough' });
  assert.equal(far.asked.length, 1);
});
