import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../../../agent/failure/failure.ts';
import { type AskingDps, createAzure } from '../../../../agent/issuer/azure/azure.ts';
import { LeafPace } from '../../../../agent/issuer/azure/pace.ts';
import type { Assignment, Leaf } from '../../../../agent/roll/leaf.ts';
import { DAY, mint, NOW } from '../../certificate/mint.ts';

const CSR = '-----BEGIN CERTIFICATE REQUEST-----\nQ1NS\n-----END CERTIFICATE REQUEST-----\n';
const never = new AbortController().signal;
const HUB: Assignment = { hub: 'hub-1', deviceId: 'gw-0001' };
const issued = await mint();
const thumbprintOf = (der: Buffer) =>
  import('node:crypto').then(({ createHash }) => createHash('sha256').update(der).digest('hex').toUpperCase());
const THUMBPRINT = await thumbprintOf(issued.der);

const leafOf = (thumbprint: string): Leaf => ({
  key: { slot: 'a', id: 'aa' },
  chain: '',
  thumbprint,
  cn: 'gw-0001',
  serial: '01',
  issuer: 'ICA',
  notBefore: NOW,
  notAfter: NOW + 10 * DAY,
});

interface Played {
  current?: Leaf;
  assignment?: Assignment;
  now?: number;
  overHub?: string;
  state?: Record<string, unknown>;
  fault?: Fault;
  isAsked?: boolean;
  isKeyLost?: boolean;
  rejected?: true;
  grace?: number;
}

/** The pace of leaves, with what an earlier process has noted. */
function pacing(record?: string, now = () => NOW, current: () => Leaf | undefined = () => undefined): LeafPace {
  let noted = record;
  const write = async (text: string) => {
    noted = text;
  };
  return new LeafPace({ read: async () => noted, write, current, now });
}

function stage(played: Played = {}) {
  const registrations: (string | undefined)[] = [];
  const now = () => played.now ?? NOW;
  const hubs: string[] = [];
  const parts = createAzure({
    state: () => ({ rejected: false, ...played }),
    now,
    renewal: {
      async issue({ id }) {
        hubs.push(id);
        return played.overHub;
      },
    },
    async register({ csr, asked, read }: AskingDps) {
      registrations.push(csr);
      if (played.isAsked !== false) asked?.();
      if (played.fault !== undefined) throw played.fault;
      read(played.state ?? { issuedCertificateChain: [issued.der.toString('base64')] });
      return HUB;
    },
    async demandKey() {
      if (played.isKeyLost) throw new Fault('NL-TOKEN-KEY');
    },
    pace: pacing(undefined, now, () => played.current),
  });
  const code = (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error: unknown) => (error instanceof Fault ? error.failure.code : error),
    );
  return { ...parts, registrations, played, hubs, issue: () => code(parts.issuer.issue(CSR, never)), code };
}

test('without a leaf: one registration with the CSR, and its assignment is that of the leaf', async () => {
  const { issue, dps, registrations } = stage();
  assert.equal(await issue(), 'done');
  assert.deepEqual(registrations, ['Q1NS']);
  assert.deepEqual(await dps.register(leafOf(THUMBPRINT), never), HUB);
  assert.deepEqual(registrations, ['Q1NS'], 'it is registered already');
  await dps.register(leafOf(THUMBPRINT), never);
  assert.deepEqual(registrations, ['Q1NS', undefined], 'a second question is a real one');
});

test('what DPS has said of a hub holds for another leaf, too, for ten minutes; then it is looked up, without a CSR', async () => {
  const { issue, dps, registrations, played } = stage();
  await issue();
  assert.equal(dps.knows?.(leafOf('AA')), true);
  assert.deepEqual(await dps.register(leafOf('AA'), never), HUB);
  assert.deepEqual(registrations, ['Q1NS']);
  assert.equal(dps.knows?.(leafOf('AA')), false, 'asked for again, it is a real question');
  played.now = NOW + 600_000;
  assert.equal(dps.knows?.(leafOf('BB')), false);
  await dps.register(leafOf('BB'), never);
  assert.deepEqual(registrations, ['Q1NS', undefined]);
});

test('a fault of the onboarding identity is told until DPS has accepted it', async () => {
  const { issue, trouble, played } = stage({ fault: new Fault('NL-ONBOARDING-EXPIRED') });
  await issue();
  assert.equal(trouble()?.code, 'NL-ONBOARDING-EXPIRED');
  Object.assign(played, { fault: undefined });
  await issue();
  assert.equal(trouble(), undefined);
});

test('what DPS says of all is no fault of the onboarding identity', async () => {
  const { issue, trouble } = stage({ fault: new Fault('NL-DPS-THROTTLED') });
  await issue();
  assert.equal(trouble(), undefined);
});

const serving = { current: leafOf('AA'), assignment: { hub: 'hub-2', deviceId: 'gw-0001' }, overHub: issued.pem };

test('renewed over the hub: no registration, and the assignment of the leaf before', async () => {
  const { issue, dps, registrations } = stage({ ...serving });
  assert.equal(await issue(), 'done');
  assert.deepEqual(await dps.register(leafOf(THUMBPRINT), never), serving.assignment);
  assert.deepEqual(registrations, []);
});

test('a leaf that the hub gave and then refuses: its key gets another by a request of its own', async () => {
  const { issue, dps, hubs, registrations } = stage({ ...serving });
  await issue();
  assert.deepEqual(await dps.register(leafOf(THUMBPRINT), never), serving.assignment);
  await issue();
  const [first, second] = hubs;
  assert.notEqual(first, second, 'a hub answers the same ID with the same leaf');
  assert.deepEqual(registrations, []);
  assert.deepEqual(await dps.register(leafOf(THUMBPRINT), never), HUB, 'DPS may have another hub');
});

for (const [why, changed] of [
  ['the hub does not offer it', { overHub: undefined }],
  ['the hub has refused the leaf', { rejected: true }],
  ['the hub refuses the leaf, and can lag', { grace: 1 }],
  ['no hub is known', { assignment: undefined }],
  ['nine tenths of its life are gone', { now: NOW + 9 * DAY }],
  ['it has expired', { now: NOW + 11 * DAY }],
] as const) {
  test(`DPS issues the next leaf: ${why}`, async () => {
    const { issue, registrations } = stage({ ...serving, ...changed } as Played);
    assert.equal(await issue(), 'done');
    assert.deepEqual(registrations, ['Q1NS']);
  });
}

for (const [profile, expected] of [
  [undefined, 'done'],
  [null, 'done'],
  ['classic', 'done'],
  ['mqttV5', 'NL-AZURE-MQTT5'],
  ['mqttV6', 'NL-AZURE-MQTT5'],
  [5, 'NL-AZURE-MQTT5'],
] as const) {
  test(`connectionProfile ${JSON.stringify(profile)}: ${expected}`, async () => {
    const list = [issued.der.toString('base64')];
    const { issue, dps, code } = stage({ state: { connectionProfile: profile, issuedCertificateChain: list } });
    assert.equal(await code(dps.register(leafOf('BB'), never)), expected);
    assert.equal(await issue(), expected);
  });
}

test('a leaf that came with a hub of MQTT 5 was issued: it counts', async () => {
  const list = [issued.der.toString('base64')];
  const { issue } = stage({ state: { connectionProfile: 'mqttV5', issuedCertificateChain: list } });
  for (let times = 1; times <= 3; times += 1) assert.equal(await issue(), 'NL-AZURE-MQTT5');
  assert.equal(await issue(), 'NL-AZURE-PACE');
});

test('no policy: its own sentence, and it counts as no leaf', async () => {
  const { issue } = stage({ state: { issuedCertificateChain: null } });
  for (let times = 1; times <= 5; times += 1) assert.equal(await issue(), 'NL-AZURE-POLICY');
});

test('lost answers: three leaves an hour, and the next one when the first of them is an hour old', async () => {
  const { issue, played, registrations } = stage({ fault: new Fault('NL-DPS-TIMEOUT') });
  for (let times = 1; times <= 3; times += 1) assert.equal(await issue(), 'NL-DPS-TIMEOUT');
  assert.equal(await issue(), 'NL-AZURE-PACE');
  assert.equal(registrations.length, 3);
  played.now = NOW + 3_600_000;
  assert.equal(await issue(), 'NL-DPS-TIMEOUT');
});

test('leaves that serve are counted as well, and moments of a clock that was wrong are not', async () => {
  const { issue, played } = stage();
  played.now = NOW + DAY;
  for (let times = 1; times <= 3; times += 1) {
    played.current = leafOf(`${times}`);
    assert.equal(await issue(), 'done');
  }
  assert.equal(await issue(), 'NL-AZURE-PACE');
  played.now = NOW;
  assert.equal(await issue(), 'done');
});

test('leaves of ten minutes: three within five', async () => {
  const MINUTE = 60_000;
  const { issue, played } = stage({ current: { ...leafOf('AA'), notAfter: NOW + 10 * MINUTE } });
  for (let times = 1; times <= 3; times += 1) assert.equal(await issue(), 'done');
  assert.equal(await issue(), 'NL-AZURE-PACE');
  played.now = NOW + 5 * MINUTE - 1;
  assert.equal(await issue(), 'NL-AZURE-PACE');
  played.now = NOW + 5 * MINUTE;
  assert.equal(await issue(), 'done');
});

for (const [why, more] of [
  ['DPS was not asked', { fault: new Fault('NL-DPS-UNREACHABLE'), isAsked: false }],
  ['DPS refuses', { fault: new Fault('NL-DPS-401002') }],
  ['DPS throttles', { fault: new Fault('NL-DPS-THROTTLED') }],
  ['DPS refuses a token that a clock behind has dated', { fault: new Fault('NL-CLOCK') }],
] as const) {
  test(`${why}: it counts as no leaf`, async () => {
    const { issue } = stage(more);
    for (let times = 1; times <= 9; times += 1) assert.equal(await issue(), more.fault.failure.code);
  });
}

test('a damaged record counts as none', async () => {
  await pacing('{').begin();
});

test('the same request to a hub is counted once', async () => {
  const pace = pacing();
  for (let times = 1; times <= 9; times += 1) await pace.begin('request-1');
  await pace.begin();
  await pace.begin();
  await assert.rejects(pace.begin('request-2'), /NL-AZURE-PACE/);
});

test('the hour is counted from the first of three', async () => {
  let at = NOW;
  const pace = pacing(undefined, () => at);
  for (; at < NOW + 1_800_000; at += 600_000) await pace.begin();
  const { failure } = await pace.begin().then(
    () => assert.fail('a fourth one'),
    (fault: Fault) => fault,
  );
  assert.equal(failure.code, 'NL-AZURE-PACE');
  assert.equal(failure.retryAfterMs, 1_800_000);
  const [since, until] = [NOW, NOW + 3_600_000].map((one) => new Date(one).toISOString().slice(11, 16));
  assert.match(failure.message, new RegExp(`since .* ${since} UTC: .* before .* ${until} UTC`));
});

test('DPS names no hub for the next leaf: the hub of the current one is tried, and not for the current one itself', async () => {
  const { dps, code } = stage({ ...serving, fault: new Fault('NL-ONBOARDING-EXPIRED') });
  assert.deepEqual(await dps.register(leafOf('BB'), never), serving.assignment);
  assert.equal(await code(dps.register(leafOf('AA'), never)), 'NL-ONBOARDING-EXPIRED');
});

test('a leaf without its key is registered nowhere', async () => {
  const { dps, code, registrations } = stage({ ...serving, isKeyLost: true });
  assert.equal(await code(dps.register(leafOf('BB'), never)), 'NL-TOKEN-KEY');
  assert.deepEqual(registrations, []);
});

test('the record of an earlier process is counted for the metrics, as far as it is of the last hour', async () => {
  const pace = pacing(JSON.stringify({ asked: [NOW - 3_700_000, NOW - 60_000, NOW + 60_000] }));
  assert.equal(pace.recent, 0);
  await pace.look();
  assert.equal(pace.recent, 1);
  const takeBack = await pace.begin();
  assert.equal(pace.recent, 2);
  await takeBack();
  assert.equal(pace.recent, 1);
});
