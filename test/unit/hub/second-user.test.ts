import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { METHOD_NAMES } from '../../../agent/hub/methods.ts';
import { type HubMessage, type HubSession, type SessionUser, SharedSession } from '../../../agent/mqtt/hub-session.ts';
import { leafNamed } from '../mqtt/certificates.ts';
import type { FarSide } from '../mqtt/far-side.ts';
import { quiet } from '../mqtt/quiet.ts';
import { settled } from '../mqtt/settled.ts';
import { at, call, codeOf, connected, never, newHub, nextSignal, serving, startHub, TWIN } from './hub-side.ts';

quiet();
const leaf = leafNamed('AA');

/** A second user that notes what it gets, and takes what the test says. */
class Noting implements SessionUser {
  readonly opens: HubSession[] = [];
  readonly got: {
    readonly topic: string;
    readonly text: string;
    readonly qos: number;
    readonly session: HubSession;
  }[] = [];
  readonly takes: (message: HubMessage) => Promise<void> | undefined;

  constructor(takes: Noting['takes'] = () => undefined) {
    this.takes = takes;
  }

  opened(session: HubSession): void {
    this.opens.push(session);
  }

  arrived(session: HubSession, message: HubMessage): Promise<void> | undefined {
    this.got.push({ topic: message.topic, text: Buffer.from(message.payload).toString(), qos: message.qos, session });
    return this.takes(message);
  }
}

const pubacks = (far: FarSide): (number | undefined)[] =>
  far.received.flatMap((packet) => (packet.cmd === 'puback' ? [packet.messageId] : []));

test('the session is opened for it after the twin was read, once, with the device ID of the assignment', async () => {
  const user = new Noting();
  let openedAtRead: number | undefined;
  await using far = await startHub({
    onPublish(packet, link) {
      openedAtRead ??= user.opens.length;
      serving().onPublish?.(packet, link);
    },
  });
  const hub = newHub({ user });
  await hub.connect(leaf, at(far), never);
  assert.equal(openedAtRead, 0);
  assert.equal(user.opens.length, 1);
  assert.equal(user.opens[0]?.deviceId, 'gw-0001');
  await hub.close();
});

test('a session that is not proven is never opened for it', async () => {
  const user = new Noting();
  await using far = await startHub({});
  const hub = newHub({ user, twinMs: 50 });
  assert.equal(await codeOf(hub.connect(leaf, at(far), never)), 'NL-HUB-TWIN');
  assert.deepEqual(user.opens, []);
  await hub.close();
});

test('what the hub sends right after CONNACK is handed over before the session is proven', async () => {
  const user = new Noting(() => Promise.resolve());
  let gotAtRead: number | undefined;
  await using far = await startHub({
    connack(link) {
      link.send({ cmd: 'connack', returnCode: 0, sessionPresent: true });
      link.publish('devices/gw-0001/messages/devicebound/a=1', 'early', 1, 5);
    },
    onPublish(packet, link) {
      if (user.opens.length === 0) gotAtRead ??= user.got.length;
      serving().onPublish?.(packet, link);
    },
  });
  const hub = newHub({ user });
  await hub.connect(leaf, at(far), never);
  assert.deepEqual(
    user.got.map(({ topic, text, qos }) => [topic, text, qos]),
    [['devices/gw-0001/messages/devicebound/a=1', 'early', 1]],
  );
  assert.equal(gotAtRead, 1);
  assert.equal(user.got[0]?.session, user.opens[0]);
  await far.until(() => pubacks(far).length === 1);
  await hub.close();
});

test('it publishes and subscribes on the session, and newleaf goes on with its own', async () => {
  const user = new Noting();
  await using here = await connected({ user });
  const { far, hub, link } = here;
  const [session] = user.opens;
  assert(session !== undefined);
  await session.publish({ topic: 'devices/gw-0001/messages/events/a=%24&b', payload: Buffer.from('t'), qos: 1 });
  await session.subscribe('devices/gw-0001/messages/devicebound/#', 1);
  await session.unsubscribe('devices/gw-0001/messages/devicebound/#');
  assert.deepEqual(far.published('devices/'), ['devices/gw-0001/messages/events/a=%24&b']);
  await hub.report({ version: 2 });
  const [status] = await call(far, link, 'leafStatus', 'null');
  assert.equal(status, '202');
});

test('the answers about the twin go to the one that asked', async () => {
  const user = new Noting(() => Promise.resolve());
  await using here = await connected({ user });
  const { far, hub } = here;
  const [session] = user.opens;
  await session?.publish({ topic: '$iothub/twin/GET/?$rid=uplink-1', payload: new Uint8Array(), qos: 0 });
  await far.until(() => far.published('$iothub/twin/GET/').length === 2);
  await hub.report({ version: 2 });
  assert.deepEqual(
    user.got.map(({ topic, text }) => [topic, text]),
    [['$iothub/twin/res/200/?$rid=uplink-1', TWIN]],
  );
});

test('a request of it between a request of newleaf and its answer: newleaf still gets its own', async () => {
  const user = new Noting(() => Promise.resolve());
  let held: (() => void) | undefined;
  await using far = await startHub({
    onPublish(packet, link) {
      if (packet.topic.startsWith('$iothub/twin/PATCH/') && !packet.topic.includes('uplink-')) {
        held = () => serving().onPublish?.(packet, link);
      } else serving().onPublish?.(packet, link);
    },
  });
  const hub = newHub({ user });
  await hub.connect(leaf, at(far), never);
  const reported = hub.report({ version: 2 });
  await far.until(() => held !== undefined);
  const topic = '$iothub/twin/PATCH/properties/reported/?$rid=uplink-2';
  await user.opens[0]?.publish({ topic, payload: Buffer.from('{"a":1}'), qos: 0 });
  await far.until(() => far.published('$iothub/twin/PATCH/').length === 2);
  held?.();
  await reported;
  assert.deepEqual(
    user.got.map((one) => one.topic),
    ['$iothub/twin/res/204/?$rid=uplink-2&$version=2'],
  );
  await hub.close();
});

test('a method of a program goes to it; one that it does not want is answered 404', async () => {
  const user = new Noting(({ topic }) => (topic.includes('/POST/open/') ? Promise.resolve() : undefined));
  const dropped: string[] = [];
  await using here = await connected({ user, dropped: (topic) => dropped.push(topic) });
  const { far, link } = here;
  link.publish('$iothub/methods/POST/open/?$rid=1', '{"a":1}');
  const [status, body] = await call(far, link, 'unknown', '{}');
  assert.equal(status, '404');
  assert.match(JSON.stringify(body), /unknown/);
  assert.deepEqual(
    user.got.map(({ topic }) => topic.split('/')[3]),
    ['open', 'unknown'],
  );
  assert.equal(user.got[0]?.text, '{"a":1}');
  assert.deepEqual(far.published('$iothub/methods/res/').length, 1);
  assert.equal(dropped.length, 1);
});

test('without a second user an unknown method is answered 404, too', async () => {
  await using here = await connected();
  assert.equal((await call(here.far, here.link, 'unknown', ''))[0], '404');
});

test("newleaf's own methods never reach it, whatever their request looks like", async () => {
  const user = new Noting(() => Promise.resolve());
  await using here = await connected({ user });
  const { far, link } = here;
  for (const name of METHOD_NAMES) {
    for (const query of ['?$rid=1', '?$rid=%20', '?$rid=1&$rid=2', '?', '?$rid=a+b', '?x=1&$rid=%31', '']) {
      link.publish(`$iothub/methods/POST/${name}/${query}`, '{"id":7}');
    }
  }
  await call(far, link, 'leafStatus', 'null');
  assert.deepEqual(user.got, []);
});

test('messages are acknowledged when it has taken them, in order; not where it fails; at once where it does not want them', async () => {
  const waiting = new Map<string, ReturnType<typeof settled>>();
  const user = new Noting(({ topic }) => {
    if (topic === 'unwanted') return undefined;
    const one = settled();
    waiting.set(topic, one);
    return one.promise;
  });
  await using here = await connected({ user });
  const { far, link } = here;
  for (const [index, topic] of ['a', 'unwanted', 'b', 'bad', 'c'].entries()) link.publish(topic, 'x', 1, index + 1);
  link.publish('plain', 'x', 0);
  await call(far, link, 'leafStatus', 'null');
  assert.deepEqual(pubacks(far), []);
  for (const topic of ['b', 'c']) waiting.get(topic)?.resolve();
  for (const topic of ['plain', 'bad']) waiting.get(topic)?.reject(new Error('no'));
  waiting.get('a')?.resolve();
  await far.until(() => pubacks(far).length >= 3);
  await call(far, link, 'leafStatus', 'null');
  assert.deepEqual(pubacks(far), [1, 2, 3]);
});

test('the end is told: lost where the hub or the link ends it, ended where newleaf does', async () => {
  const user = new Noting();
  await using here = await connected({ user });
  const { far, hub, link } = here;
  link.socket.destroy();
  assert.equal(await user.opens[0]?.closed, 'lost');
  await assert.rejects(user.opens[0]?.publish({ topic: 'a', payload: Buffer.of(), qos: 1 }) ?? Promise.resolve());
  await hub.connect(leaf, at(far), never);
  await hub.connect(leafNamed('BB'), at(far), never);
  assert.equal(await user.opens[1]?.closed, 'ended');
  await hub.close();
  assert.equal(await user.opens[2]?.closed, 'ended');
});

test('a message that is on its way when a newer session takes the place: NL-HUB-LOST, not an open promise', async () => {
  const user = new Noting();
  await using here = await connected({ user }, serving(undefined, { mute: ['publish'] }));
  const { far, hub } = here;
  const waiting = user.opens[0]?.publish({ topic: 'a', payload: Buffer.of(), qos: 1 }) ?? Promise.resolve();
  const code = codeOf(waiting);
  await hub.connect(leafNamed('BB'), at(far), never);
  assert.equal(await code, 'NL-HUB-LOST');
});

test('a user that comes later gets the open session, and none that is over', async () => {
  const shared = new SharedSession();
  await using here = await connected({ user: shared });
  const { far, hub, link } = here;
  const user = new Noting();
  shared.use(user);
  assert.equal(user.opens.length, 1);
  const next = new Noting();
  link.socket.destroy();
  await user.opens[0]?.closed;
  await setImmediate();
  shared.use(next);
  assert.deepEqual(next.opens, []);
  await hub.connect(leaf, at(far), never);
  assert.equal(next.opens.length, 1);
  assert.equal(user.opens.length, 1);
});

test('it gives the session up: the session is lost, with the reason, and no box on the way is blamed', async () => {
  const user = new Noting();
  await using here = await connected({ user });
  const [session] = user.opens;
  session?.giveUp('no PUBACK');
  assert.equal(await session?.closed, 'lost');
  const { kind, failure } = await nextSignal(here.hub);
  assert.deepEqual([kind, failure.code, failure.cause], ['lost', 'NL-HUB-LOST', 'no PUBACK']);
});
