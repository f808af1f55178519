import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY, HOUR, MINUTE, numbered, SECOND, World } from './world.ts';

test('messages go in the order of their program, and the programs take turns', async () => {
  const world = new World(['one', 'two', 'three']);
  await world.append('one', ...numbered('a', 6));
  await world.append('two', ...numbered('b', 2));
  await world.append('three', ...numbered('c', 2));
  world.start();
  await world.pass(SECOND);
  assert.deepEqual(world.hub.texts, ['a1', 'b1', 'c1', 'a2', 'b2', 'c2', 'a3', 'a4', 'a5', 'a6']);
  world.assertKept();
});

test('the rate is kept, a message that comes alone does not wait', async () => {
  const world = new World(['one'], 10);
  world.start();
  await world.pass(HOUR);
  await world.append('one', 'a0');
  await world.pass(30);
  assert.deepEqual(world.hub.texts, ['a0']);
  await world.append('one', ...numbered('a', 100));
  await world.pass(5 * SECOND);
  assert(world.hub.arrived.length > 45 && world.hub.arrived.length <= 52, `${world.hub.arrived.length}`);
  await world.pass(10 * SECOND);
  world.assertKept();
});

test('a distant hub gets sixteen at once, and no more', async () => {
  const world = new World(['one'], 1_000);
  world.hub.rttMs = 2 * SECOND;
  await world.append('one', ...numbered('a', 40));
  world.start();
  await world.pass(1_900);
  assert.equal(world.hub.publishes, 16);
  await world.pass(MINUTE);
  world.assertKept();
  assert.equal(world.rate, 1_000);
});

test('the session ends with messages on their way: they are the first on the next, in order', async () => {
  const world = new World(['one', 'two'], 1_000);
  world.hub.rttMs = SECOND;
  await world.append('one', ...numbered('a', 5));
  await world.append('two', ...numbered('b', 5));
  world.start();
  await world.pass(400);
  world.leave();
  assert.equal(world.hub.publishes, 10);
  await world.append('one', 'a6');
  world.comeBack();
  await world.pass(MINUTE);
  world.assertKept();
  assert.deepEqual(world.hub.sessions[1]?.published.map(({ payload }) => Buffer.from(payload).toString()).sort(), [
    ...numbered('a', 6),
    ...numbered('b', 5),
  ]);
  assert.equal(world.programs[0]?.counts.resent, 5);
  assert.equal(world.programs[0]?.counts.forwarded, 6);
});

test('a hub that is away for a day: the messages wait, and go when it is back', async () => {
  const world = new World(['one', 'two']);
  world.start();
  await world.pass(MINUTE);
  world.leave();
  const before = world.sleeps;
  for (let hour = 0; hour < 24; hour += 1) {
    await world.append('one', `a${hour}`);
    await world.append('two', `b${hour}`);
    await world.pass(HOUR);
  }
  assert(world.sleeps - before < 10, `${world.sleeps - before} sleeps while the hub is away`);
  world.comeBack();
  await world.pass(10 * SECOND);
  world.assertKept();
});

test('move to another hub: what waits goes there, under the device ID there', async () => {
  const world = new World(['one'], 1_000);
  world.hub.rttMs = SECOND;
  await world.append('one', ...numbered('a', 5));
  world.start();
  await world.pass(300);
  world.deviceId = 'gw-b';
  world.replace();
  await world.pass(10 * SECOND);
  world.assertKept();
  assert.deepEqual([world.rate, world.isThrottled], [1_000, false], 'the pace stays as it is');
  assert(world.hub.open?.topics.every((topic) => topic.startsWith('devices/gw-b/messages/events/')));
});

test('a queue that cannot be read holds up no other program, and goes on later', async () => {
  const world = new World(['one', 'two']);
  await world.append('one', 'a1', 'a2');
  await world.append('two', 'b1');
  const [one] = world.programs;
  assert(one !== undefined);
  one.queue.unreadable = new Error('the disk does not work');
  world.start();
  await world.pass(HOUR);
  assert.deepEqual(world.hub.texts, ['b1']);
  assert(world.sleeps < 200, `${world.sleeps} sleeps`);
  one.queue.unreadable = undefined;
  await world.pass(5 * MINUTE);
  world.assertKept();
});

test('a PUBLISH that fails in a session that stays open: nothing overtakes it', async () => {
  const world = new World(['one']);
  await world.append('one', 'a1', 'a2', 'a3');
  const session = world.hub.accept();
  const { publish } = session;
  session.publish = (message) =>
    Buffer.from(message.payload).toString() === 'a1' ? Promise.reject(new Error('no')) : publish.call(session, message);
  world.uplink.opened(session);
  await world.pass(MINUTE);
  assert.deepEqual(world.hub.texts, []);
  session.end();
  world.start();
  await world.pass(MINUTE);
  world.assertKept();
});

test('close: nothing is sent any more, and what is on its way comes to its end', async () => {
  const world = new World(['one']);
  world.hub.rttMs = SECOND;
  await world.append('one', ...numbered('a', 100));
  world.start();
  await world.pass(120);
  const sent = world.hub.publishes;
  let isClosed = false;
  const closed = world.uplink.close().then(() => {
    isClosed = true;
  });
  await world.pass(500);
  assert.equal(isClosed, false);
  await world.pass(SECOND);
  await closed;
  assert.equal(world.hub.publishes, sent);
  assert.equal(world.programs[0]?.queue.count, 100 - sent);
});

test('close without a session, and in one that waits: at once', async () => {
  const world = new World(['one']);
  await world.uplink.close();
  const other = new World(['one']);
  other.start();
  await other.pass(HOUR);
  await other.uplink.close();
});

test('an idle session sleeps', async () => {
  const world = new World(['one', 'two']);
  world.start();
  await world.pass(DAY);
  assert(world.sleeps < 30, `${world.sleeps} sleeps in a day`);
  assert.equal(world.hub.publishes, 0);
});

test('a disk that fails while a message is held back ends nothing: the rest goes when it can be read again', async () => {
  const world = new World(['one']);
  await world.append('one', 'bad', 'a1');
  const queue = world.programs[0]?.queue ?? assert.fail();
  queue.unreadableFrom = 2;
  world.start();
  await world.pass(3 * HOUR);
  assert.deepEqual(world.hub.texts, []);
  queue.unreadableFrom = Number.POSITIVE_INFINITY;
  await world.pass(DAY);
  world.assertKept();
  assert.deepEqual(world.asideTexts, ['bad']);
});
