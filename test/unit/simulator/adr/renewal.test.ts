import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { IPublishPacket } from 'mqtt-packet';
import { admits, HUB_VERSION, prepare, provisioned } from '../../../clients/renewal.ts';
import { Wire } from '../../../clients/wire.ts';
import { newRequest, pemOf } from '../../../simulator/adr/request.ts';
import type { AdrSwitches } from '../../../simulator/adr/switches.ts';
import type { FaultName } from '../../../simulator/faults.ts';
import { staged } from '../stage.ts';

const RES = '$iothub/credentials/res/';
const HOUR = 3_600_000;
const { key, csr } = await newRequest('gw-1');

let late = 0;
let rid = 0;
let wire: Wire;
const { simulator } = await staged({ now: () => Date.now() + late });
await prepare(simulator);
const { leaf } = await provisioned(simulator, 'gw-1');

beforeEach(async () => {
  wire = await enter();
  await wire.subscribe(`${RES}#`, 1);
});
afterEach(() => wire.leave());

const enter = (version = HUB_VERSION) =>
  Wire.enter(simulator.endpoints, simulator.endpoints.hub1, 'gw-1', leaf, true, version);

/** What a hub says about a request. */
interface Said extends Pick<IPublishPacket, 'topic' | 'qos'> {
  readonly status: number;
  readonly body: Readonly<Record<'correlationId' | 'operationExpires', string | undefined>> & {
    readonly errorCode?: number;
    readonly certificates?: readonly string[];
    readonly info?: Readonly<Record<string, string>> | null;
  };
}

/** Sends what is no object as it is. @returns the rid */
function ask(more: unknown = {}, own = `rid-${++rid}`): string {
  const body = typeof more === 'object' ? JSON.stringify({ id: 'gw-1', csr, ...more }) : String(more);
  wire.publish(`$iothub/credentials/POST/issueCertificate/?$rid=${own}`, body);
  return own;
}
async function next(): Promise<Said> {
  const packet = await wire.next();
  assert.ok(packet.cmd === 'publish', packet.cmd);
  const topic = packet.topic.replace(RES, '');
  const body = JSON.parse(String(packet.payload));
  return { topic, status: Number.parseInt(topic, 10), qos: packet.qos, body };
}
test('202 with the end of the operation, then 200 with a leaf that opens the hub, as the leaf before does', async () => {
  const own = ask();
  const [accepted, issued] = [await next(), await next()];
  assert.deepEqual([accepted.topic, issued.topic], [`202/?$rid=${own}`, `200/?$rid=${own}`]);
  assert.match(String(accepted.body.operationExpires), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  assert.equal(issued.body.correlationId, accepted.body.correlationId);
  for (const identity of [{ key, cert: pemOf(issued.body.certificates ?? []) }, leaf]) {
    assert.equal(await admits(simulator, 'gw-1', identity), 0);
  }
});

const refused: readonly (readonly [what: string, sent: unknown, code: number])[] = [
  ['an empty body', '', 400004],
  ['no JSON', '{', 400006],
  ['no object', '[]', 400004],
  ['another field', { payload: 1 }, 400004],
  ['another id', { id: 'gw-2' }, 400004],
  ['an empty id', { id: '' }, 400004],
  ['no csr', { csr: undefined }, 400004],
  ['an empty csr', { csr: '' }, 400004],
  ['a csr that is no base64', { csr: '-----BEGIN' }, 400004],
  ['a csr beyond 8 KB', { csr: 'A'.repeat(8_196) }, 400004],
  ['a replace that is no rid', { replace: 'a b' }, 400004],
  ['a replace that is no text', { replace: 1 }, 400004],
  ['a replace of nothing', { replace: 'nothing' }, 412001],
];
test('a request that is none is refused, and says so with or without "info"', async () => {
  for (const [what, sent, code] of refused) {
    ask(sent);
    const { status, body } = await next();
    assert.deepEqual([status, body.errorCode], [Math.trunc(code / 1_000), code], what);
    if (code < 412000) assert.equal(body.info, null);
  }
  await simulator.set({ noInfo: 'absent' });
  ask('');
  assert.ok(!('info' in (await next()).body));
  // The Java SDK sends it; `*` names whatever is active.
  for (const replace of [null, '*']) {
    ask({ replace });
    assert.deepEqual([(await next()).status, (await next()).status], [202, 200]);
  }
});

test('what the CA cannot read is refused by the numbers of new clients or of the live run, after a 202 or at once', async () => {
  for (const [renewalCodes, code, error] of [
    ['newer', 400040, 'FailedToDecodeCsr'],
    ['live-run', 400037, '400000'],
  ] as const) {
    for (const csrRefusalAtHub of ['after-202', 'at-once'] as const) {
      await simulator.set({ renewalCodes, csrRefusalAtHub });
      ask({ csr: 'AAAA' });
      if (csrRefusalAtHub === 'after-202') assert.equal((await next()).status, 202);
      const { body } = await next();
      assert.deepEqual([body.errorCode, body.info?.credentialError], [code, error]);
    }
  }
});

const forms: readonly (readonly [Partial<AdrSwitches>, topic: RegExp, qos: number, isList: boolean])[] = [
  [{}, /^200\/\?\$rid=rid-\d+$/, 1, false],
  [{ renewalTopic: 'rid-and-version' }, /^200\/\?\$rid=rid-\d+&\$version=1$/, 1, false],
  [{ renewalTopic: 'plain' }, /^200\/rid-\d+$/, 1, false],
  [{ renewalBody: 'array' }, /^200/, 1, true],
  [{ renewalQos: 'zero' }, /^200/, 0, false],
];
for (const [switches, topic, qos, isList] of forms) {
  test(`the form of the 200: ${JSON.stringify(switches)}`, async () => {
    await simulator.set(switches);
    ask();
    const [, said] = [await next(), await next()];
    assert.match(said.topic, topic);
    assert.deepEqual([said.qos, Array.isArray(said.body)], [qos, isList]);
  });
}

test('one operation for each device: the same request is the same, another is refused, or takes its place, or comes later', async () => {
  await simulator.set({ renewal: 'held' });
  const own = ask();
  ask({}, own);
  const [first, second] = [await next(), await next()];
  assert.equal(first.body.correlationId, second.body.correlationId);
  for (const [renewalCodes, code] of [
    ['newer', 409005],
    ['live-run', 409004],
  ] as const) {
    await simulator.set({ renewalCodes });
    ask();
    const { body } = await next();
    assert.deepEqual([body.errorCode, body.info?.requestId], [code, own]);
  }
  ask({ replace: own });
  assert.equal((await next()).status, 202);
  late += 12 * HOUR;
  const last = ask();
  assert.equal((await next()).status, 202);
  await simulator.concludeRenewal('gw-1');
  assert.equal((await next()).topic, `200/?$rid=${last}`);
  await assert.rejects(simulator.concludeRenewal('gw-1'), /no request of "gw-1" is active/);
  late = 0;
});

test('a certificate that was made while the device was away comes as it subscribes in the next session', async () => {
  await simulator.set({ renewal: 'held' });
  const own = ask();
  assert.equal((await next()).status, 202);
  await wire.leave();
  await simulator.concludeRenewal('gw-1');
  wire = await enter();
  await wire.subscribe(`${RES}#`, 1);
  assert.equal((await next()).topic, `200/?$rid=${own}`);
});

test('a request without a usable rid, or before the subscription, is not heard; a classic session has none', async () => {
  ask({}, '-x');
  wire = await enter();
  ask();
  await wire.subscribe(`${RES}#`, 1);
  const own = ask();
  assert.deepEqual([(await next()).topic, (await next()).topic], [`202/?$rid=${own}`, `200/?$rid=${own}`]);
  wire = await enter('2021-04-12');
  assert.equal(await wire.subscribe(`${RES}#`, 1), 128);
  ask();
  await assert.rejects(wire.next());
});

/** A story of test/e2e/azure that ends well would do so without them, too. */
const faults: readonly (readonly [FaultName, said: readonly number[]])[] = [
  ['no-202', [200]],
  ['slow-202', [202, 200]],
  ['stray-200', [202, 200, 200]],
  ['duplicate-200', [202, 200, 200]],
  ['slow-issue', [202, 200]],
];
for (const [fault, expected] of faults) {
  test(`${fault}: ${expected}`, async () => {
    await simulator.lay('hub1', fault, { ms: 20, times: 1 });
    const begun = performance.now();
    const own = ask();
    const said: Said[] = [];
    for (const _ of expected) said.push(await next());
    assert.deepEqual(
      said.map(({ status }) => status),
      expected,
    );
    if (fault.startsWith('slow')) assert.ok(performance.now() - begun >= 19);
    const [last, before] = [said.at(-1), said.at(-2)];
    assert.equal(last?.topic, `200/?$rid=${own}`);
    if (fault.endsWith('-200')) assert.equal(before?.topic === last?.topic, fault === 'duplicate-200');
  });
}
