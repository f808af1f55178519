import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Hub } from '../../../agent/roll/ports.ts';
import { TestClock } from '../clock.ts';
import { leafNamed } from '../mqtt/certificates.ts';
import type { FarSide, Script } from '../mqtt/far-side.ts';
import { quiet } from '../mqtt/quiet.ts';
import { at, codeOf, leftUnanswered, never, newHub, nextSignal, serving, signalsSoFar, startHub } from './hub-side.ts';

quiet();
const current = leafNamed('AA');
const next = leafNamed('BB');

test('connects, subscribes to methods, reads the twin, and closes silently', async () => {
  await using far = await startHub();
  const hub = newHub();
  assert.equal(hub.silentMs(), undefined);
  await hub.connect(current, at(far), never);
  const heard = hub.silentMs() ?? Number.NaN;
  assert.ok(heard >= 0 && heard < 10_000, `the twin was heard ${heard} ms ago`);
  const [connect] = far.received;
  assert(connect?.cmd === 'connect');
  assert.equal(connect.clientId, 'gw-0001');
  assert.equal(connect.keepalive, 180);
  assert.match(
    String(connect.username),
    /^localhost:\d+\/gw-0001\/\?api-version=.*&DeviceClientType=.*newleaf%2F1\.2\.3$/,
  );
  assert.equal(far.published('$iothub/twin/GET/').length, 1);
  assert(far.received.some((p) => p.cmd === 'subscribe' && p.subscriptions[0]?.topic === '$iothub/methods/POST/#'));
  await hub.close();
  assert.equal(hub.silentMs(), undefined);
  await far.until(() => far.open === 0);
  assert.equal(far.received.at(-1)?.cmd, 'disconnect');
  assert.deepEqual(await signalsSoFar(hub), []);
  assert.equal(far.connections, 1);
});

const twinAnswer = (path: string, body: string | Buffer = ''): Script => ({
  onPublish({ topic }, link) {
    const rid = /\$rid=([^&]*)/.exec(topic)?.[1];
    if (topic.startsWith('$iothub/twin/GET/')) link.publish(`$iothub/twin/res/${path}/?$rid=${rid}`, body);
  },
});
const beforeTwin = (send: NonNullable<Script['onPublish']>): Script => ({
  onPublish(packet, link) {
    send(packet, link);
    serving().onPublish?.(packet, link);
  },
});

/** What the hub does, the code of the failed connect, and how long a silence is waited for. One connection each. */
const FAILS: readonly (readonly [string, Script, string, Parameters<typeof newHub>[0]?])[] = [
  ['CONNACK 5', { connack: 5 }, 'NL-HUB-REJECTED'],
  ['CONNACK 4', { connack: 4 }, 'NL-HUB-REJECTED'],
  ['CONNACK 2', { connack: 2 }, 'NL-HUB-REJECTED'],
  ['CONNACK 3', { connack: 3 }, 'NL-HUB-UNAVAILABLE'],
  ['CONNACK 1', { connack: 1 }, 'NL-HUB-UNAVAILABLE'],
  ['close before CONNACK', { connack: 'close' }, 'NL-HUB-CLOSED'],
  ['no CONNACK', { connack: 'none' }, 'NL-HUB-CLOSED', { connectMs: 1_000 }],
  [
    'garbage for CONNACK',
    { connack: ({ socket }) => socket.write('HTTP/1.1 400 Bad\r\n\r\n') },
    'NL-HUB-CLOSED',
    { connectMs: 1_000 },
  ],
  ['no answer to the twin read', {}, 'NL-HUB-TWIN', { twinMs: 100 }],
  ['no SUBACK', serving(undefined, { mute: ['subscribe'] }), 'NL-HUB-TWIN', { twinMs: 100 }],
  ['twin read 429, empty', twinAnswer('429'), 'NL-HUB-TWIN'],
  ['twin read 500', twinAnswer('500', '{"errorCode":500001,"message":"m"}'), 'NL-HUB-TWIN'],
  ['twin empty', twinAnswer('200'), 'NL-HUB-TWIN'],
  ['twin not JSON', twinAnswer('200', '<html>'), 'NL-HUB-TWIN'],
  ['twin no object', twinAnswer('200', '[]'), 'NL-HUB-TWIN'],
  ['twin answer without a status', twinAnswer('', '{}'), 'NL-HUB-TWIN'],
  ['drop instead of the twin', { onPublish: (_, { socket }) => socket.destroy() }, 'NL-HUB-LOST'],
  ['method without a name', beforeTwin((_, link) => link.publish('$iothub/methods/POST/')), 'fulfilled'],
  ['method without a request', beforeTwin((_, link) => link.publish('$iothub/methods/POST/leafStatus/')), 'fulfilled'],
  ['twin without sections', twinAnswer('200', '{}'), 'fulfilled'],
];

for (const [name, script, code, limits] of FAILS) {
  test(`${name}: ${code}`, async () => {
    await using far = await startHub(script);
    const hub = newHub(limits);
    assert.equal(await codeOf(hub.connect(current, at(far), never)), code);
    await hub.close();
    await far.until(() => far.open === 0);
    assert.deepEqual(await signalsSoFar(hub), []);
    assert.equal(far.connections, 1);
  });
}

for (const turns of [0, 1, 2, 3, 5, 8]) {
  test(`a hub that ends the connection ${turns} turns after CONNACK 0: NL-HUB-LOST`, async () => {
    await using far = await startHub({
      ...serving(),
      async connack(link) {
        link.send({ cmd: 'connack', returnCode: 0, sessionPresent: false });
        for (let turn = 0; turn < turns; turn += 1) await setImmediate();
        link.socket.destroySoon();
      },
    });
    const hub = newHub();
    const code = await codeOf(hub.connect(current, at(far), never));
    // Nothing more is to be read from the hub: it may have answered the twin read before.
    if (code === 'fulfilled') assert.equal((await nextSignal(hub)).failure.code, 'NL-HUB-LOST');
    else assert.equal(code, 'NL-HUB-LOST');
  });
}

test('a hub that is not there', async () => {
  const far = await startHub();
  const assignment = at(far);
  await far[Symbol.asyncDispose]();
  assert.equal(await codeOf(newHub().connect(current, assignment, never)), 'NL-HUB-UNREACHABLE');
  const noName = { hub: 'hub.invalid', deviceId: 'gw-0001' };
  assert.equal(await codeOf(newHub().connect(current, noName, never)), 'NL-HUB-UNREACHABLE');
});

test('the hub drops an open session: one signal', async () => {
  await using far = await startHub();
  const hub = newHub();
  await hub.connect(current, at(far), never);
  far.links[0]?.socket.end();
  const { kind, thumbprint, heldMs, failure } = await nextSignal(hub);
  assert.deepEqual([kind, thumbprint, failure.code], ['lost', 'AA', 'NL-HUB-LOST']);
  assert(heldMs >= 0 && heldMs < 5_000);
  assert.equal(await codeOf(hub.report({ phase: 'serving' })), 'NL-HUB-LOST');
  assert.deepEqual(await signalsSoFar(hub), []);
  // The SDK must not come back by itself.
  assert.equal(far.connections, 1);
  await hub.connect(current, at(far), never);
  assert.equal(far.connections, 2);
  await hub.close();
});

/** What the loop does between the end of `connect` and its event, in turns of the microtask queue. */
const HOPS = 200;

test('a hub that answers the twin read and ends the connection in one breath: connected first, then lost', async () => {
  await using far = await startHub({
    onPublish(packet, link) {
      link.socket.cork();
      serving().onPublish?.(packet, link);
      link.socket.end();
      link.socket.uncork();
    },
  });
  const hub = newHub();
  const heard: string[] = [];
  const lost = nextSignal(hub).then(({ kind }) => heard.push(kind));
  await hub.connect(current, at(far), never);
  for (let hop = 0; hop < HOPS; hop += 1) await undefined;
  heard.push('connected');
  await lost;
  assert.deepEqual(heard, ['connected', 'lost']);
});

test('a refused next leaf does not disturb the session of the current one', async () => {
  await using far = await startHub();
  const hub = newHub();
  await hub.connect(current, at(far), never);
  far.script = { ...far.script, connack: 5 };
  assert.equal(await codeOf(hub.connect(next, at(far), never)), 'NL-HUB-REJECTED');
  await hub.report({ phase: 'serving' });
  assert.equal(far.open, 1);
  assert.deepEqual(await signalsSoFar(hub), []);
  await hub.close();
});

/**
 * A hub allows one connection per device: the older one is dropped, here before the newer has its CONNACK.
 * @param code the answer to the newer one
 */
function dropsOlder(far: FarSide, afterMs: number, code = 0): void {
  far.script.connack = (link) => {
    const isNewer = link.number > 1;
    if (isNewer) far.links[0]?.socket.destroy();
    const returnCode = isNewer ? code : 0;
    setTimeout(() => link.send({ cmd: 'connack', returnCode, sessionPresent: false }), afterMs);
  };
}

test('the next leaf takes over, the hub drops the older session: no signal', async () => {
  await using far = await startHub();
  const hub = newHub();
  dropsOlder(far, 50);
  await hub.connect(current, at(far), never);
  await hub.connect(next, at(far), never);
  assert.deepEqual(await signalsSoFar(hub), []);
  await hub.report({ phase: 'serving' });
  far.links[1]?.socket.destroy();
  assert.equal((await nextSignal(hub)).thumbprint, 'BB');
});

test('the next leaf takes over, at another hub: the older session is closed, no signal', async () => {
  await using first = await startHub();
  await using second = await startHub();
  const hub = newHub();
  await hub.connect(current, at(first), never);
  await hub.connect(next, at(second), never);
  await first.until(() => first.open === 0);
  assert.equal(first.received.at(-1)?.cmd, 'disconnect');
  assert.deepEqual(await signalsSoFar(hub), []);
  await hub.close();
});

test('the older session ends while a next leaf is refused: one signal, after the refusal', async () => {
  await using far = await startHub();
  const hub = newHub();
  dropsOlder(far, 50, 5);
  await hub.connect(current, at(far), never);
  assert.equal(await codeOf(hub.connect(next, at(far), never)), 'NL-HUB-REJECTED');
  assert.deepEqual(
    (await signalsSoFar(hub)).map(({ thumbprint }) => thumbprint),
    ['AA'],
  );
});

/** Whoever counts on the older session would do so for ever: its end is nobody's but ours to tell. */
const forsaken = async (hub: Hub): Promise<void> => {
  const { thumbprint, failure } = await nextSignal(hub);
  assert.deepEqual([thumbprint, failure.code], ['AA', 'NL-HUB-LOST']);
  assert.deepEqual(await signalsSoFar(hub), []);
  assert.equal(await codeOf(hub.report({})), 'NL-HUB-LOST');
};

test('a next leaf that is accepted but not proven: connect rejects, and the older session is lost', async () => {
  await using far = await startHub();
  const clock = new TestClock();
  const hub = newHub({ clock });
  await hub.connect(current, at(far), never);
  far.script = {};
  const unproven = codeOf(hub.connect(next, at(far), never));
  await leftUnanswered(clock);
  assert.equal(await unproven, 'NL-HUB-TWIN');
  await far.until(() => far.open === 0);
  await forsaken(hub);
});

for (const isSame of [true, false]) {
  const [where, what] = isSame ? ['the hub', 'is lost'] : ['another hub', 'goes on'];
  test(`a next leaf that ${where} accepts, and that is given up before it is proven: the older session ${what}`, async () => {
    await using first = await startHub();
    await using second = await startHub({});
    const far = isSame ? first : second;
    const hub = newHub();
    await hub.connect(current, at(first), never);
    far.script = {};
    const asked = far.published('$iothub/twin/GET/').length;
    const abort = new AbortController();
    const attempt = hub.connect(next, at(far), abort.signal);
    await far.until(() => far.published('$iothub/twin/GET/').length > asked);
    abort.abort(new Error('stop'));
    await assert.rejects(attempt, { message: 'stop' });
    if (!isSame) return await hub.report({});
    await forsaken(hub);
    await first.until(() => first.open === 0);
  });
}

test('the hub drops the older session for a next leaf, and then that one, too: one signal', async () => {
  await using far = await startHub();
  const hub = newHub();
  dropsOlder(far, 0);
  await hub.connect(current, at(far), never);
  far.script = { ...far.script, onPublish: (_, { socket }) => socket.destroy() };
  assert.equal(await codeOf(hub.connect(next, at(far), never)), 'NL-HUB-LOST');
  await forsaken(hub);
});

test('abort ends a connect at once, and the older session stays', async () => {
  await using far = await startHub();
  const hub = newHub();
  await hub.connect(current, at(far), never);
  far.script = { ...far.script, connack: 'none' };
  const abort = new AbortController();
  const attempt = hub.connect(next, at(far), abort.signal);
  await far.until(() => far.received.filter(({ cmd }) => cmd === 'connect').length === 2);
  abort.abort(new Error('stop'));
  await assert.rejects(attempt, { message: 'stop' });
  await far.until(() => far.open === 1);
  await hub.report({ phase: 'serving' });
  await hub.close();
});

test('what the token throws comes back as it is; a hub that is no host is refused', async () => {
  const broken = Object.assign(new Error('no such key'), { code: 'ERR_OSSL_OBJECT_NOT_FOUND' });
  const hub = newHub({ connectorFor: () => Promise.reject(broken) });
  await assert.rejects(hub.connect(current, { hub: 'localhost:1', deviceId: 'd' }, never), broken);
  await assert.rejects(newHub().connect(current, { hub: 'a b', deviceId: 'd' }, never), TypeError);
});
