import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOSE } from './played-hub.ts';
import { DAY, HOUR, isPoison, MINUTE, numbered, SECOND, World } from './world.ts';

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
  assert(world.rate < 10, `${world.rate} a second`);
  await world.pass(30 * MINUTE);
  world.assertKept();
  assert.deepEqual(world.asideTexts, []);
  assert(world.mostFlaps < 3);
  await world.append('one', ...numbered('late', 1000));
  await world.pass(10 * MINUTE);
  world.assertKept();
  assert.equal(world.rate, 20);
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
    await world.sendAway('one', `q${second}`);
    await world.pass(SECOND);
  }
  assert(world.mostFlaps < 3, `${world.mostFlaps} sessions in a row ended within a minute`);
  assert(world.hub.sessions.length < 20, `${world.hub.sessions.length} sessions`);
  world.hub.verdict = () => undefined;
  await world.pass(20 * MINUTE);
  for (let minute = 0; minute < 90; minute += 1) {
    assert.equal(await world.sendAway('one', 'late'), true);
    await world.pass(MINUTE);
  }
  assert.equal(world.isThrottled, false);
});

test('QoS 0 goes at once or never, and not faster than the rate', async () => {
  const world = new World(['one'], 10);
  const pass = (text: string) => world.sendAway('one', text, '$.ctime');
  assert.equal(await pass('early'), false);
  world.start();
  await world.pass(SECOND);
  assert.equal(await pass('q'), true);
  assert.equal(world.hub.open?.published[0]?.qos, 0);
  assert.equal(world.hub.open?.published[0]?.topic, 'devices/gw-0001/messages/events/$.ctime');
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

test('a hub that closes over a message three times, once after it had taken another one, and then takes it: it arrives', async () => {
  const world = new World(['one', 'two']);
  let closes = 0;
  world.hub.verdict = (text) => (text === 'odd' && closes++ < 3 ? CLOSE : undefined);
  await world.append('one', 'a1', 'odd', 'a2');
  world.start();
  for (let minute = 0; minute < 20; minute += 1) {
    await world.append('two', `b${minute}`);
    await world.pass(MINUTE);
  }
  assert.ok(closes > 3, `tried ${closes} times`);
  assert.deepEqual(world.asideTexts, []);
  world.assertKept();
});

for (const [where, one, two] of [
  ['one after the other, of two programs', ['a1', 'bad1', 'bad2', 'bad3', 'a2'], ['bad4', 'bad5', 'b1']],
  ['at the head after a restart, and behind others', ['bad1', 'bad2', 'a1', 'a2', 'bad3', 'a3'], []],
] as const) {
  test(`poison messages ${where}: each is set aside, the rest arrives`, async () => {
    const world = new World();
    await world.append('one', ...one);
    await world.append('two', ...two);
    world.start();
    await world.pass(3 * HOUR);
    world.assertKept();
    assert.deepEqual(world.asideTexts.toSorted(), [...one, ...two].filter(isPoison));
    assert(world.mostFlaps < 3);
  });
}

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
  [50 * SECOND, HOUR],
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
      const { open } = world.hub;
      if (open !== undefined && world.at - open.openedAt > everyMs / 2) open.end();
    }
    const latest = Math.max(...world.hub.arrived.map(({ at }) => at));
    assert(latest > (within * 2) / 3, `the last message came at ${latest} ms`);
    await world.pass(HOUR);
    world.assertKept();
    assert.deepEqual(world.asideTexts, []);
  });
}
