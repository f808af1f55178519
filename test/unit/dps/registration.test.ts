import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { DpsOptions } from '../../../agent/dps/registration.ts';
import { type Code, Fault } from '../../../agent/failure/failure.ts';
import { LOOPBACK, leafNamed, TestCa } from '../mqtt/certificates.ts';
import { codeOf } from '../mqtt/code-of.ts';
import { FarSide, type Script } from '../mqtt/far-side.ts';
import { quiet } from '../mqtt/quiet.ts';
import { dpsAt, server } from './mqtt-side.ts';

quiet();
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
type Row = readonly [
  name: string,
  script: Script,
  code: Code,
  puts: number,
  gets?: number,
  options?: Partial<DpsOptions>,
];

const error = (errorCode: number) => JSON.stringify({ errorCode, trackingId: 'e549', message: 'm' });
/** "¢" read as ASCII is a quotation mark. */
const CENT = Buffer.from('{"operationId":"4.d0","status":"assigning","payload":"5 ¢"}');
const polled: Answers = [[202, '&retry-after=0.1', ASSIGNING]];

const ROWS: readonly Row[] = [
  ['401', answering([[401, '', error(401002)]]), 'NL-DPS-401002', 1],
  ['401, no body', answering([[401, '']]), 'NL-DPS-401002', 1],
  ['429', answering([[429, '&retry-after=1', '']]), 'NL-DPS-THROTTLED', 1],
  ['503', answering([[503, '', 'gone']]), 'NL-DPS-SERVER', 1],
  ['empty body', answering([[200, '']]), 'NL-DPS-BODY', 1],
  ['not JSON', answering([[200, '', '<html>']]), 'NL-DPS-BODY', 1],
  ['no status', answering([[200, '', '{}']]), 'NL-DPS-BODY', 1],
  ['no operationId', answering([[202, '', '{"status":"assigning"}']]), 'NL-DPS-BODY', 1],
  ['disabled', answering([[200, '', '{"status":"disabled"}']]), 'NL-DPS-DISABLED', 1],
  ['429 to a poll', answering([...polled, [429, '']]), 'NL-DPS-THROTTLED', 1, 1],
  ['500 to a poll', answering([...polled, [500, '']]), 'NL-DPS-SERVER', 1, 1],
  ['404 to a poll', answering([...polled, [404, '']]), 'NL-DPS-SERVER', 1, 1],
  [
    'failed after a poll',
    answering([
      [202, '&retry-after=0', CENT],
      [200, '', '{"status":"failed","registrationState":{"errorCode":400208}}'],
    ]),
    'NL-DPS-ALLOCATION',
    1,
    1,
  ],
  ['CONNACK 5', { connack: 5 }, 'NL-DPS-REJECTED', 0],
  ['CONNACK 3', { connack: 3 }, 'NL-DPS-SCOPE', 0],
  ['close before CONNACK', { connack: 'close' }, 'NL-DPS-UNREACHABLE', 0],
  ['no CONNACK', { connack: 'none' }, 'NL-DPS-UNREACHABLE', 0, 0, { connectMs: 150 }],
  ['drop instead of an answer', { onPublish: (_, { socket }) => socket.destroy() }, 'NL-DPS-UNREACHABLE', 1],
  [
    'drop between two polls',
    {
      onPublish(packet, link) {
        answering([[202, '&retry-after=60', ASSIGNING]]).onPublish?.(packet, link);
        link.socket.end();
      },
    },
    'NL-DPS-UNREACHABLE',
    1,
  ],
  ['no SUBACK', { mute: ['subscribe'] }, 'NL-DPS-TIMEOUT', 0, 0, { deadlineMs: 1_000 }],
  ['no PUBACK and no answer', { mute: ['publish'] }, 'NL-DPS-TIMEOUT', 1, 0, { deadlineMs: 1_000 }],
  [
    'assigning for ever',
    answering([[202, '&retry-after=60', ASSIGNING]]),
    'NL-DPS-TIMEOUT',
    1,
    0,
    { deadlineMs: 1_000 },
  ],
];

for (const [name, script, code, puts, gets = 0, options] of ROWS) {
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
