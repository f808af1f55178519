import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClient } from './fakes.ts';
import { fateOf, joined, MESSAGES, Stage, serving, settled } from './stage.ts';
import { MINUTE, numbered, SECOND } from './world.ts';

const C2D = 'devices/gw-0001/messages/devicebound/%24.mid=1&k=v';
const HUB = 'devices/gw-0001/messages/devicebound/#';

test('a message is stored before the PUBACK, goes to the program under its own device ID, and its PUBACK drops it', async () => {
  const { stage, program, client } = await joined(MESSAGES);
  client.isPrompt = false;
  const session = await stage.open();
  const store = program.inbox.hold();
  const taken = stage.arrive(session, C2D, 'hello', 1);
  assert.equal(await fateOf(taken), 'open');
  assert.deepEqual(client.got, []);
  store();
  assert.equal(await fateOf(taken), 'kept');
  assert.deepEqual(client.got, [{ topic: 'devices/me/messages/devicebound/%24.mid=1&k=v', text: 'hello', qos: 1 }]);
  assert.equal(program.inbox.count, 1);
  client.acknowledge();
  await settled();
  assert.equal(program.inbox.count, 0);
});

test('messages go in order, some at once; each program that wants them gets them', async () => {
  const stage = new Stage('one', 'two', 'three');
  const one = await stage.client('one', MESSAGES);
  const two = await stage.client('two', 'devices/other/messages/devicebound/#');
  const three = await stage.client('three');
  one.isPrompt = false;
  const session = await stage.open();
  const fates = ['m1', 'm2', 'm3'].map((text) => fateOf(stage.arrive(session, C2D, text, 1)));
  assert.deepEqual(await Promise.all(fates), ['kept', 'kept', 'kept']);
  assert.deepEqual(two.texts, ['m1', 'm2', 'm3']);
  assert.equal(two.topics[0], 'devices/other/messages/devicebound/%24.mid=1&k=v');
  assert.deepEqual(three.texts, []);
  assert.deepEqual(one.texts, ['m1', 'm2', 'm3']);
  for (let sent = 4; sent <= 30; sent += 1) await stage.arrive(session, C2D, `m${sent}`, 1);
  await settled();
  assert.equal(one.texts.length, 16);
  for (let times = 0; times < 30; times += 1) {
    one.acknowledge();
    await settled();
  }
  assert.deepEqual(one.texts, numbered('m', 30));
  assert.equal(stage.uplink.program('one')?.inbox.count, 0);
});

test('large messages: no more at once than a client may have unread', async () => {
  const { stage, client } = await joined(MESSAGES);
  client.isPrompt = false;
  const session = await stage.open();
  for (let sent = 0; sent < 10; sent += 1) await stage.arrive(session, C2D, 'x'.repeat(65_000), 1);
  await settled();
  assert.equal(client.texts.length, 5);
});

test('no program wants messages: the message waits at the hub, and the next that subscribes gets it, in order', async () => {
  const stage = new Stage('one');
  const session = await stage.open();
  const [first, second] = ['m1', 'm2'].map((text) => stage.arrive(session, C2D, text, 1));
  await stage.pass(MINUTE);
  assert.deepEqual(await Promise.all([fateOf(first), fateOf(second)]), ['open', 'open']);
  const client = await stage.client('one', MESSAGES);
  await stage.pass(6 * SECOND);
  assert.deepEqual(await Promise.all([fateOf(first), fateOf(second)]), ['kept', 'kept']);
  assert.deepEqual(client.texts, ['m1', 'm2']);
});

test('the client goes before its PUBACK: the message is delivered again, first', async () => {
  const { stage, client } = await joined(MESSAGES);
  client.isPrompt = false;
  const session = await stage.open();
  await stage.arrive(session, C2D, 'm1', 1);
  await stage.arrive(session, C2D, 'm2', 1);
  await settled();
  assert.deepEqual(client.texts, ['m1', 'm2']);
  await stage.leave(client);
  const next = await stage.client('one', MESSAGES);
  assert.deepEqual(next.texts, ['m1', 'm2']);
});

test('a program with a kept session gets its messages when it is back, without a SUBSCRIBE', async () => {
  const stage = new Stage();
  const program = stage.program('one', { c: { [MESSAGES]: 1 } });
  const session = await stage.open();
  assert(session.filters.includes(`+${HUB} 1`));
  await stage.arrive(session, C2D, 'm1', 1);
  await stage.arrive(session, C2D, 'm2', 1);
  assert.equal(program.inbox.count, 2);
  const back = await stage.join(new TestClient('one', 'c', false));
  assert.deepEqual(back.texts, ['m1', 'm2']);
  assert.equal(program.inbox.count, 0);
});

test('the newest client takes over; the older one, that still holds a message, harms nothing', async () => {
  const stage = new Stage();
  const program = stage.program('one');
  const older = await stage.client('one', MESSAGES);
  older.isPrompt = false;
  const session = await stage.open();
  for (const text of ['m1', 'm2', 'm3']) await stage.arrive(session, C2D, text, 1);
  const newer = await stage.client('one', MESSAGES);
  assert.deepEqual(newer.texts, ['m1', 'm2', 'm3']);
  older.acknowledge();
  await settled();
  assert.deepEqual(older.texts, ['m1', 'm2', 'm3']);
  await stage.arrive(session, C2D, 'm4', 1);
  await settled();
  assert.deepEqual(newer.texts.at(-1), 'm4');
  await stage.leave(newer);
  await stage.arrive(session, C2D, 'm5', 1);
  await settled();
  assert.deepEqual(older.texts, ['m1', 'm2', 'm3', 'm5']);
  for (let times = 0; times < 3; times += 1) older.acknowledge();
  await settled();
  assert.equal(program.inbox.count, 0);
});

test('a take-over while the older client reads from the disk: no message is skipped', async () => {
  const stage = new Stage();
  const program = stage.program('one');
  const older = await stage.client('one', MESSAGES);
  const { next } = program.inbox;
  const reads: (() => void)[] = [];
  program.inbox.next = () => new Promise((resolve) => reads.push(() => resolve(next.call(program.inbox))));
  const session = await stage.open();
  await stage.arrive(session, C2D, 'm1', 1);
  await stage.arrive(session, C2D, 'm2', 1);
  const newer = await stage.client('one', MESSAGES);
  assert.equal(reads.length, 2);
  program.inbox.next = next;
  for (const read of reads) {
    read();
    await settled();
  }
  assert.deepEqual(older.texts, []);
  assert.deepEqual(newer.texts, ['m1', 'm2']);
  assert.equal(program.inbox.count, 0);
});

test('a client that unsubscribes: another one of the program takes its place', async () => {
  const stage = new Stage('one');
  const older = await stage.client('one', MESSAGES);
  const newer = await stage.client('one', MESSAGES);
  newer.isPrompt = false;
  const session = await stage.open();
  await stage.arrive(session, C2D, 'm1', 1);
  await stage.arrive(session, C2D, 'm2', 1);
  await stage.uplink.unsubscribe(newer, MESSAGES);
  await settled();
  assert.deepEqual(older.texts, ['m1', 'm2']);
});

test('an inbox that cannot be read, and one that counts what it cannot give: no busy loop', async () => {
  const { stage, program, client, session } = await serving(MESSAGES);
  let reads = 0;
  for (const broken of [() => Promise.reject(new Error('the disk does not work')), () => Promise.resolve(undefined)]) {
    program.inbox.next = () => {
      reads += 1;
      return broken();
    };
    await stage.arrive(session, C2D, 'm', 1);
    for (let turn = 0; turn < 20; turn += 1) await settled();
  }
  assert(reads < 10, `${reads} reads`);
  assert.deepEqual(client.texts, []);
});

test('by QoS 0 where the program has subscribed so', async () => {
  const { stage, program, client } = await joined();
  assert.equal(await stage.uplink.subscribe(client, MESSAGES, 0), 0);
  const session = await stage.open();
  await stage.arrive(session, C2D, 'm1', 1);
  await settled();
  assert.deepEqual(
    client.got.map(({ qos }) => qos),
    [0],
  );
  assert.equal(program.inbox.count, 0);
});

test('the subscription at the hub is there while a program wants it, and ended after', async () => {
  const stage = new Stage('one');
  const session = await stage.open();
  assert.deepEqual(session.filters, ['-$iothub/twin/PATCH/properties/desired/#', `-${HUB}`]);
  const client = await stage.client('one', MESSAGES);
  assert.deepEqual(session.filters.slice(2), [`+${HUB} 1`]);
  const other = await stage.client('one', MESSAGES);
  await stage.leave(client);
  assert.equal(session.filters.length, 3);
  await stage.leave(other);
  assert.deepEqual(session.filters.slice(3), [`-${HUB}`]);
});

test('the session was lost before: the hub is asked again on the next one', async () => {
  const { stage } = await joined(MESSAGES);
  const first = await stage.open();
  first.end();
  const next = await stage.open('gw-b');
  assert(next.filters.includes('+devices/gw-b/messages/devicebound/# 1'));
});
