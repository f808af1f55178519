import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOSE } from './played-hub.ts';
import { DAY, HOUR, isPoison, MINUTE, SECOND, World } from './world.ts';

const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);

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

test('the topic is that of the device at this hub, the properties are untouched', async () => {
  const world = new World(['one']);
  world.deviceId = 'gw-0002';
  await world.programs[0]?.queue.append({ topic: '%24.ct=text&k=&n', payload: Buffer.from('a1') });
  world.start();
  await world.pass(SECOND);
  const [message] = world.hub.sessions[0]?.published ?? [];
  assert.equal(message?.topic, 'devices/gw-0002/messages/events/%24.ct=text&k=&n');
  assert.equal(message?.qos, 1);
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
  assert.equal(world.forwarder.rate, 1_000);
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

test('PUBACKs that are lost with the session cost a repetition, and nothing else', async () => {
  const world = new World(['one'], 1_000);
  world.hub.rttMs = SECOND;
  await world.append('one', ...numbered('a', 5));
  world.start();
  await world.pass(700);
  world.leave();
  assert.equal(world.hub.arrived.length, 5);
  world.comeBack();
  await world.pass(MINUTE);
  world.assertKept();
  assert.equal(world.hub.arrived.length, 10);
});

test('a session that is replaced by a newer one, as in a roll: nothing is lost, and the pace stays as it is', async () => {
  const world = new World(['one', 'two'], 20);
  world.hub.rttMs = 500;
  await world.append('one', ...numbered('a', 100));
  await world.append('two', ...numbered('b', 100));
  world.start();
  for (let roll = 0; roll < 3; roll += 1) {
    await world.pass(2 * SECOND);
    world.replace();
  }
  assert.equal(world.forwarder.rate, 20);
  assert.equal(world.forwarder.isThrottled, false);
  await world.pass(10 * SECOND);
  world.assertKept();
});

test('a hub that throttles, by late PUBACKs and then by closing: slower, then as before', async () => {
  const world = new World(['one', 'two']);
  await world.append('one', ...numbered('a', 500));
  await world.append('two', ...numbered('b', 500));
  // Between minute 1 and 11 it takes two a second at most.
  let jamEnd = 0;
  world.hub.verdict = (_, session) => {
    const { at } = world;
    if (at < MINUTE / 6 || at > 11 * MINUTE) return { of: 'take' };
    jamEnd = Math.max(jamEnd, at) + 500;
    if (jamEnd - at > 20 * SECOND && session.isOpen) {
      jamEnd = at;
      return { of: 'close', afterMs: 8 * SECOND };
    }
    return { of: 'take', afterMs: 500 };
  };
  world.start();
  await world.pass(5 * MINUTE);
  assert(world.forwarder.rate < 10, `${world.forwarder.rate} a second`);
  await world.pass(30 * MINUTE);
  world.assertKept();
  assert.deepEqual(world.asideTexts, []);
  assert(world.mostFlaps < 3);
  await world.append('one', ...numbered('late', 1000));
  await world.pass(10 * MINUTE);
  world.assertKept();
  assert.equal(world.forwarder.rate, 20);
});

for (const [what, names] of [
  ['one program', ['one']],
  ['three programs', ['one', 'two', 'three']],
] as const) {
  test(`a hub whose quota is used up, ${what}: nothing is lost or set aside, and it never looks like flapping`, async () => {
    for (const hours of [0.02, 0.1, 0.5, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 7, 23]) {
      const world = new World(names);
      for (const name of names) await world.append(name, `${name}-first`);
      world.start();
      await world.pass(MINUTE);
      const emptyFrom = world.at;
      world.hub.verdict = () => (world.at < emptyFrom + hours * HOUR ? CLOSE : undefined);
      for (const name of names) await world.append(name, ...numbered(`${name}-`, 20));
      await world.pass(hours * HOUR);
      const dials = world.hub.sessions.length;
      assert(dials <= 8 + hours * 5, `${dials} sessions in ${hours} hours`);
      await world.pass(HOUR);
      world.assertKept();
      assert.deepEqual(world.asideTexts, []);
      assert(world.mostFlaps < 3, `${world.mostFlaps} sessions in a row ended within a minute`);
      assert(world.hub.sessions.length <= dials + 1);
    }
  });
}

test('a quota that is used up, and a program that sends by QoS 0 only: no flapping', async () => {
  const world = new World(['one']);
  world.hub.verdict = () => CLOSE;
  world.start();
  for (let second = 0; second < 3600; second += 1) {
    await world.forwarder.pass({ topic: '', payload: Buffer.from(`q${second}`) });
    await world.pass(SECOND);
  }
  assert(world.mostFlaps < 3, `${world.mostFlaps} sessions in a row ended within a minute`);
  assert(world.hub.sessions.length < 20, `${world.hub.sessions.length} sessions`);
  world.hub.verdict = () => undefined;
  await world.pass(20 * MINUTE);
  for (let minute = 0; minute < 90; minute += 1) {
    assert.equal(await world.forwarder.pass({ topic: '', payload: Buffer.from('late') }), true);
    await world.pass(MINUTE);
  }
  assert.equal(world.forwarder.isThrottled, false);
});

test('QoS 0 goes at once or never, and not faster than the rate', async () => {
  const world = new World(['one'], 10);
  const pass = (text: string) => world.forwarder.pass({ topic: 'k=v', payload: Buffer.from(text) });
  assert.equal(await pass('early'), false);
  world.start();
  await world.pass(SECOND);
  assert.equal(await pass('q'), true);
  assert.equal(world.hub.open?.published[0]?.qos, 0);
  assert.equal(world.hub.open?.published[0]?.topic, 'devices/gw-0001/messages/events/k=v');
  let went = 0;
  for (let at = 0; at < 10_000; at += 10) {
    if (await pass('flood')) went += 1;
    await world.pass(10);
  }
  assert(went >= 100 && went <= 120, `${went} in ten seconds`);
  world.leave();
  await world.pass(10);
  assert.equal(await pass('late'), false);
});

test('a poison message among good ones of two programs: exactly it is set aside, within ten minutes', async () => {
  for (const before of [0, 1, 2, 7, 40]) {
    const world = new World(['one', 'two']);
    await world.append('one', ...numbered('a', before), 'bad', ...numbered('z', 20));
    await world.append('two', ...numbered('b', 60));
    world.start();
    await world.pass(10 * MINUTE);
    assert.deepEqual(world.asideTexts, ['bad']);
    world.assertKept();
    assert(world.mostFlaps < 3);
    assert(world.hub.sessions.length < 10);
    assert.equal(world.programs[0]?.counts.setAside, 1);
  }
});

test('one poison message after the other, of one program and of two: each is set aside, the rest arrives', async () => {
  const world = new World(['one', 'two']);
  await world.append('one', 'a1', 'bad1', 'bad2', 'bad3', 'a2');
  await world.append('two', 'bad4', 'bad5', 'b1');
  world.start();
  await world.pass(2 * HOUR);
  world.assertKept();
  assert.deepEqual([...world.asideTexts].sort(), numbered('bad', 5));
  assert(world.mostFlaps < 3);
});

test('a poison message at the head after a restart, and a good one somewhere behind others', async () => {
  const world = new World(['one']);
  await world.append('one', 'bad1', 'bad2', 'a1', 'a2', 'bad3', 'a3');
  world.start();
  await world.pass(3 * HOUR);
  world.assertKept();
  assert.deepEqual(world.asideTexts, ['bad1', 'bad2', 'bad3']);
});

test('a poison message alone, and the hub has taken one before: it is set aside', async () => {
  const world = new World(['one']);
  world.start();
  await world.append('one', 'a1');
  await world.pass(MINUTE);
  await world.append('one', 'bad');
  await world.pass(15 * MINUTE);
  assert.deepEqual(world.asideTexts, ['bad']);
  world.assertKept();
});

test('a poison message alone since the start: it may be the quota, so it stays, and is tried rarely; the next message decides', async () => {
  const world = new World(['one']);
  await world.append('one', 'bad');
  world.start();
  await world.pass(DAY);
  assert.deepEqual(world.asideTexts, []);
  assert(world.hub.sessions.length < 110, `${world.hub.sessions.length} sessions`);
  assert(world.mostFlaps < 3);
  await world.append('one', 'a1');
  await world.pass(DAY);
  assert.deepEqual(world.asideTexts, ['bad']);
  world.assertKept();
});

test('a message that was set aside in vain stays: the disk may have room later', async () => {
  const world = new World(['one', 'two']);
  let isFull = true;
  const { push } = world.setAside;
  world.setAside.push = (...items) => {
    if (isFull) throw new Error('no space is left');
    return push.apply(world.setAside, items);
  };
  await world.append('one', 'a1', 'bad', 'a2');
  await world.append('two', ...numbered('b', 10));
  world.start();
  await world.pass(15 * MINUTE);
  assert.deepEqual(world.asideTexts, []);
  await world.append('two', 'b11');
  isFull = false;
  await world.pass(30 * MINUTE);
  world.assertKept();
  assert.deepEqual(world.asideTexts, ['bad']);
});

for (const [everyMs, within] of [
  [5 * SECOND, 3 * HOUR],
  [50 * SECOND, 20 * MINUTE],
  [3 * MINUTE, 20 * MINUTE],
] as const) {
  test(`a link that ends every ${everyMs / SECOND} s by itself: everything arrives, nothing is set aside`, async () => {
    const world = new World(['one', 'two']);
    world.start();
    for (let sent = 0; sent < 60; sent += 1) await world.append('one', `a${sent}`);
    for (let at = 0; at < within; at += everyMs) {
      await world.pass(everyMs - 30);
      await world.append('one', `c${at}`);
      await world.append('two', `b${at}`);
      await world.pass(30);
      world.hub.open?.end();
    }
    await world.pass(HOUR);
    world.assertKept();
    assert.deepEqual(world.asideTexts, []);
  });
}

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
  assert(world.hub.open?.topics.every((topic) => topic === 'devices/gw-b/messages/events/'));
});

test('a program that is added while the session is open takes part', async () => {
  const world = new World(['one']);
  world.start();
  await world.pass(HOUR);
  world.add('two');
  await world.append('two', 'b1');
  await world.pass(SECOND);
  world.assertKept();
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
  world.forwarder.opened(session);
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
  const closed = world.forwarder.close().then(() => {
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
  await world.forwarder.close();
  const other = new World(['one']);
  other.start();
  await other.pass(HOUR);
  await other.forwarder.close();
});

test('an idle session sleeps', async () => {
  const world = new World(['one', 'two']);
  world.start();
  await world.pass(DAY);
  assert(world.sleeps < 30, `${world.sleeps} sleeps in a day`);
  assert.equal(world.hub.publishes, 0);
});

test('the played hub judges as it should', () => assert(isPoison('bad') && !isPoison('a1')));
