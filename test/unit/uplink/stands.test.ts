import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codesOf, TestClient } from './fakes.ts';
import { MESSAGES, Stage } from './stage.ts';
import { HOUR, MINUTE, numbered, World } from './world.ts';

const C2D = 'devices/gw-0001/messages/devicebound/';

test('a hub that sends no PUBACK while the session is open: after ten minutes that is a trouble, until it moves', async () => {
  const world = new World();
  world.hub.verdict = () => ({ of: 'mute' });
  world.start();
  await world.append('one', ...numbered('a', 40));
  await world.pass(9 * MINUTE);
  assert.deepEqual(codesOf(world.program('one')), []);
  await world.pass(3 * MINUTE);
  assert.deepEqual(codesOf(world.program('one')), ['NL-UPLINK-STANDS']);
  assert.deepEqual(codesOf(world.program('two')), []);
  world.leave();
  await world.pass(HOUR);
  assert.deepEqual(codesOf(world.program('one')), ['NL-UPLINK-STANDS'], 'it is not over because the session is');
  world.hub.verdict = () => undefined;
  world.comeBack();
  await world.pass(2 * MINUTE);
  assert.deepEqual(codesOf(world.program('one')), []);
  world.assertKept();
});

test('a hub that forgets a PUBACK: after minutes the session is ended, as throttled and not as flapping, and all arrives', async () => {
  for (const forgotten of [1, 16]) {
    const world = new World(['one', 'two']);
    world.hub.verdict = (text, { number }) =>
      number === 1 && Number(text.slice(1)) <= forgotten ? { of: 'mute' } : undefined;
    world.start();
    await world.pass(MINUTE);
    await world.append('one', ...numbered('a', 100));
    await world.pass(2 * MINUTE);
    assert.equal(world.hub.sessions.length, 1);
    await world.pass(2 * MINUTE);
    assert.match(world.hub.sessions[0]?.givenUp ?? '', /^the hub has sent no PUBACK for 3 minutes$/);
    assert.deepEqual([world.mostFlaps, world.isThrottled], [0, false]);
    world.assertKept();
    assert.deepEqual(codesOf(world.program('one')), []);
  }
});

test('a hub that sends no PUBACK seems to throttle, until it sends one; the session is never ended within a minute', async () => {
  const world = new World(['one']);
  world.hub.verdict = () => ({ of: 'mute' });
  world.start();
  await world.append('one', 'a1');
  await world.pass(3 * HOUR);
  assert.deepEqual([world.isThrottled, world.mostFlaps], [true, 0]);
  assert(world.hub.sessions.length <= 61, `${world.hub.sessions.length} sessions in three hours`);
  world.hub.verdict = () => undefined;
  await world.pass(4 * MINUTE);
  assert.equal(world.isThrottled, false);
  world.assertKept();
});

test('a queue that cannot be read stands', async () => {
  const world = new World(['one']);
  world.start();
  await world.append('one', 'a1');
  world.program('one').queue.unreadable = new Error('the disk does not work');
  await world.append('one', 'a2', 'a3');
  await world.pass(12 * MINUTE);
  assert.deepEqual(codesOf(world.program('one')), ['NL-UPLINK-STANDS']);
});

test('without a session nothing stands: the trouble is that of the session', async () => {
  const world = new World();
  await world.append('one', 'a1');
  await world.pass(5 * HOUR);
  assert.deepEqual(codesOf(world.program('one')), []);
});

test('messages of one moment that go slowly do not stand', async () => {
  const world = new World(['one'], 0.02);
  world.start();
  await world.append('one', ...numbered('a', 40));
  for (let minute = 0; minute < 30; minute += 1) {
    await world.pass(MINUTE);
    assert.deepEqual(codesOf(world.program('one')), []);
  }
});

for (const [what, sessions, codes] of [
  ['a program that is away', { c: { [MESSAGES]: 1 } }, ['NL-UPLINK-STANDS']],
  ['a program that acknowledges nothing', {}, ['NL-UPLINK-UNTAKEN']],
] as const) {
  test(`${what}: what waits for it is a trouble`, async () => {
    const stage = new Stage();
    const program = stage.program('one', sessions);
    const isThere = !('c' in sessions);
    if (isThere) (await stage.client('one', MESSAGES)).isPrompt = false;
    const session = await stage.open();
    await stage.arrive(session, C2D, 'm1', 1);
    await stage.pass(12 * MINUTE);
    assert.deepEqual(codesOf(program), codes);
    if (isThere) return;
    await stage.join(new TestClient('one', 'c', false));
    await stage.pass(2 * MINUTE);
    assert.deepEqual(program.troubles, []);
  });
}
