import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { createDps, type DpsOptions } from '../../../agent/dps/registration.ts';
import { type Code, Fault } from '../../../agent/failure/failure.ts';
import { LOOPBACK, leafNamed, TestCa } from '../mqtt/certificates.ts';
import { FarSide, type Script } from '../mqtt/far-side.ts';
import { quiet } from '../mqtt/quiet.ts';

quiet();
const ca = new TestCa();
const server = ca.issue('dps', LOOPBACK);
const connector = ca.connector(ca.issue('gw-0001'));
const leaf = leafNamed('AB');
const never = new AbortController().signal;

const PUT = '$dps/registrations/PUT/';
const GET = '$dps/registrations/GET/';
const ASSIGNED =
  '{"operationId":"4.d0","status":"assigned","registrationState":{"assignedHub":"hub-1:8883","deviceId":"gw-0001"}}';
const ASSIGNING = '{"operationId":"4.d0","status":"assigning"}';

/** The answers to the requests, in order: status, rest of the query, body. The last one is given for ever. */
type Answers = readonly (readonly [number, string, (string | Buffer)?])[];

function answering(answers: Answers, more: Script = {}): Script {
  let given = 0;
  return {
    ...more,
    onPublish({ topic }, link) {
      const [status, query, body] = answers[Math.min(given, answers.length - 1)] ?? assert.fail();
      given += 1;
      const rid = /\$rid=([^&]*)/.exec(topic)?.[1];
      link.publish(`$dps/registrations/res/${status}/?$rid=${rid}${query}`, body, 1);
    },
  };
}

const dpsAt = (host: string, more: Partial<DpsOptions> = {}) =>
  createDps({
    endpoint: host,
    idScope: '0ne00000000',
    registrationId: 'gw-0001',
    connectorFor: () => Promise.resolve(connector),
    ...more,
  });

const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'fulfilled',
    (error: unknown) => (error instanceof Fault ? error.failure.code : String(error)),
  );

test('registers: one connection, one request, polls at the pace of DPS', async () => {
  const answers: Answers = [
    [202, '&retry-after=0', ASSIGNING],
    [202, '&retry-after=0.2', ASSIGNING],
    [200, '', ASSIGNED],
  ];
  await using far = await FarSide.start(server, answering(answers));
  const started = performance.now();
  const assignment = await dpsAt(far.host).register(leaf, never);
  const took = performance.now() - started;
  assert.deepEqual(assignment, { hub: 'hub-1:8883', deviceId: 'gw-0001' });
  assert.equal(far.published(PUT).length, 1);
  assert.equal(far.published(GET).length, 2);
  assert(far.published(GET).every((topic) => topic.endsWith('&operationId=4.d0')));
  // At once after the request, then as fast as DPS bears it: 5 polls in 10 s.
  assert(took >= 2_099 && took < 3_500, `${took} ms`);
  await far.until(() => far.open === 0);
  const [connect] = far.received;
  assert(connect?.cmd === 'connect');
  assert.equal(connect.clientId, 'gw-0001');
  assert.match(String(connect.username), /^0ne00000000\/registrations\/gw-0001\/api-version=2019-03-31&ClientVersion=/);
  assert.equal(connect.password, undefined);
});

for (const [what, payload] of [
  ['as it is', { site: 'Köln', load: 0.5, spare: false, modules: ['a', 'b'], tags: [{ k: 'x', v: [1, 2] }] }],
  // DPS takes messages of 96 KB.
  ['however long', { long: 'x'.repeat(90_000) }],
] as const) {
  test(`the payload goes to DPS, ${what}`, async () => {
    await using far = await FarSide.start(server, answering([[200, '', ASSIGNED]]));
    await dpsAt(far.host, { payload }).register(leaf, never);
    const put = far.received.find(({ cmd }) => cmd === 'publish');
    assert(put?.cmd === 'publish');
    assert.deepEqual(JSON.parse(String(put.payload)), { registrationId: 'gw-0001', payload });
  });
}

/** Far side, the code, and how many requests and polls may have come. */
interface Row {
  readonly name: string;
  readonly script: Script;
  readonly code: Code;
  readonly puts: number;
  readonly gets?: number;
  readonly options?: Partial<DpsOptions>;
}

const error = (errorCode: number) => JSON.stringify({ errorCode, trackingId: 'e549', message: 'm' });
/** "¢" read as ASCII is a quotation mark. */
const CENT = Buffer.from('{"operationId":"4.d0","status":"assigning","payload":"5 ¢"}');
const polled: Answers = [[202, '&retry-after=0.1', ASSIGNING]];

const ROWS: readonly Row[] = [
  { name: '401', script: answering([[401, '', error(401002)]]), code: 'NL-DPS-401002', puts: 1 },
  { name: '401, no body', script: answering([[401, '']]), code: 'NL-DPS-401002', puts: 1 },
  { name: '429', script: answering([[429, '&retry-after=1', '']]), code: 'NL-DPS-THROTTLED', puts: 1 },
  { name: '503', script: answering([[503, '', 'gone']]), code: 'NL-DPS-SERVER', puts: 1 },
  { name: 'empty body', script: answering([[200, '']]), code: 'NL-DPS-BODY', puts: 1 },
  { name: 'not JSON', script: answering([[200, '', '<html>']]), code: 'NL-DPS-BODY', puts: 1 },
  { name: 'no status', script: answering([[200, '', '{}']]), code: 'NL-DPS-BODY', puts: 1 },
  { name: 'no operationId', script: answering([[202, '', '{"status":"assigning"}']]), code: 'NL-DPS-BODY', puts: 1 },
  { name: 'disabled', script: answering([[200, '', '{"status":"disabled"}']]), code: 'NL-DPS-DISABLED', puts: 1 },
  { name: '429 to a poll', script: answering([...polled, [429, '']]), code: 'NL-DPS-THROTTLED', puts: 1, gets: 1 },
  { name: '500 to a poll', script: answering([...polled, [500, '']]), code: 'NL-DPS-SERVER', puts: 1, gets: 1 },
  { name: '404 to a poll', script: answering([...polled, [404, '']]), code: 'NL-DPS-SERVER', puts: 1, gets: 1 },
  {
    name: 'failed after a poll',
    script: answering([
      [202, '&retry-after=0', CENT],
      [200, '', '{"status":"failed","registrationState":{"errorCode":400208}}'],
    ]),
    code: 'NL-DPS-ALLOCATION',
    puts: 1,
    gets: 1,
  },
  { name: 'CONNACK 5', script: { connack: 5 }, code: 'NL-DPS-REJECTED', puts: 0 },
  { name: 'CONNACK 3', script: { connack: 3 }, code: 'NL-DPS-SCOPE', puts: 0 },
  { name: 'close before CONNACK', script: { connack: 'close' }, code: 'NL-DPS-UNREACHABLE', puts: 0 },
  {
    name: 'no CONNACK',
    script: { connack: 'none' },
    code: 'NL-DPS-UNREACHABLE',
    puts: 0,
    options: { connectMs: 150 },
  },
  {
    name: 'drop instead of an answer',
    script: { onPublish: (_, { socket }) => socket.destroy() },
    code: 'NL-DPS-UNREACHABLE',
    puts: 1,
  },
  {
    name: 'drop between two polls',
    script: {
      onPublish(packet, link) {
        answering([[202, '&retry-after=60', ASSIGNING]]).onPublish?.(packet, link);
        link.socket.end();
      },
    },
    code: 'NL-DPS-UNREACHABLE',
    puts: 1,
  },
  {
    name: 'no SUBACK',
    script: { mute: ['subscribe'] },
    code: 'NL-DPS-TIMEOUT',
    puts: 0,
    options: { deadlineMs: 1_000 },
  },
  {
    name: 'no PUBACK and no answer',
    script: { mute: ['publish'] },
    code: 'NL-DPS-TIMEOUT',
    puts: 1,
    options: { deadlineMs: 1_000 },
  },
  {
    name: 'assigning for ever',
    script: answering([[202, '&retry-after=60', ASSIGNING]]),
    code: 'NL-DPS-TIMEOUT',
    puts: 1,
    options: { deadlineMs: 1_000 },
  },
];

for (const { name, script, code, puts, gets = 0, options } of ROWS) {
  test(`${name}: ${code}`, async () => {
    await using far = await FarSide.start(server, script);
    assert.equal(await codeOf(dpsAt(far.host, options).register(leaf, never)), code);
    await far.until(() => far.open === 0);
    assert.equal(far.published(PUT).length, puts);
    assert.equal(far.published(GET).length, gets);
    assert.equal(far.connections, 1);
  });
}

test('DPS takes the request, and never answers: the SDK hangs up, and that is no fault of the network', async (t) => {
  const { ProvisioningDeviceConstants: sdk } = createRequire(import.meta.url)(
    'azure-iot-provisioning-device/dist/constants.js',
  ) as { ProvisioningDeviceConstants: { defaultTimeoutInterval: number } };
  const usual = sdk.defaultTimeoutInterval;
  t.after(() => {
    sdk.defaultTimeoutInterval = usual;
  });
  // Longer than the connection takes on a busy machine.
  sdk.defaultTimeoutInterval = 1_500;
  for (const onPublish of [() => {}, answering([[202, '&retry-after=0', ASSIGNING]]).onPublish]) {
    let asked = 0;
    await using far = await FarSide.start(server, {
      onPublish: (packet, link) => ++asked === 1 && onPublish?.(packet, link),
    });
    assert.equal(await codeOf(dpsAt(far.host).register(leaf, never)), 'NL-DPS-TIMEOUT');
    assert.equal(far.received.at(-1)?.cmd, 'disconnect');
  }
});

test('DPS that wants to be polled after the deadline is asked again when it says', async () => {
  await using far = await FarSide.start(server, answering([[202, '&retry-after=3600', ASSIGNING]]));
  const attempt = dpsAt(far.host).register(leaf, never);
  await assert.rejects(attempt, (error) => {
    assert(error instanceof Fault);
    assert.deepEqual([error.failure.code, error.failure.retryAfterMs], ['NL-DPS-TIMEOUT', 3_600_000]);
    return true;
  });
});

test('assigned without PUBACK and UNSUBACK is assigned', async () => {
  const mute = ['publish', 'unsubscribe'] as const;
  await using far = await FarSide.start(server, answering([[200, '', ASSIGNED]], { mute }));
  assert.equal((await dpsAt(far.host).register(leaf, never)).hub, 'hub-1:8883');
});

test('a server that is not trusted', async () => {
  await using far = await FarSide.start(new TestCa().issue('dps', LOOPBACK));
  assert.equal(await codeOf(dpsAt(far.host).register(leaf, never)), 'NL-DPS-UNTRUSTED');
});

test('DPS that is not there', async () => {
  assert.equal(await codeOf(dpsAt('dps.invalid').register(leaf, never)), 'NL-DPS-UNREACHABLE');
});

test('abort ends it at once, while DPS is polled', async () => {
  await using far = await FarSide.start(server, answering([[202, '&retry-after=60', ASSIGNING]]));
  const abort = new AbortController();
  const attempt = dpsAt(far.host).register(leaf, abort.signal);
  await far.until(() => far.received.some(({ cmd }) => cmd === 'puback'));
  abort.abort(new Error('stop'));
  await assert.rejects(attempt, { message: 'stop' });
  await far.until(() => far.open === 0);
});

test('abort before and during the making of the connector: nothing is dialled', async () => {
  await using far = await FarSide.start(server);
  const abort = new AbortController();
  const attempt = dpsAt(far.host, { connectorFor: () => new Promise(() => {}) }).register(leaf, abort.signal);
  abort.abort(new Error('stop'));
  await assert.rejects(attempt, { message: 'stop' });
  await assert.rejects(dpsAt(far.host).register(leaf, abort.signal), { message: 'stop' });
  assert.equal(far.connections, 0);
});

test('what the token throws comes back as it is', async () => {
  const broken = Object.assign(new Error('no such key'), { code: 'ERR_OSSL_OBJECT_NOT_FOUND' });
  const dps = dpsAt('localhost:1', { connectorFor: () => Promise.reject(broken) });
  await assert.rejects(dps.register(leaf, never), broken);
});
