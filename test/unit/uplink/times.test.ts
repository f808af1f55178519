import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joined, MESSAGES, Stage, serving } from './stage.ts';
import { HOUR, SECOND } from './world.ts';

const EVENTS = 'devices/me/messages/events/';
const AT_HUB = 'devices/gw-0001/messages/events/';
const TAKEN = '%24.ctime=2030-01-01T00%3A00%3A00.000Z';

test('a message has the time at which it was taken, and not that at which it was sent', async () => {
  const { stage, program, client } = await joined();
  stage.isCredible = true;
  void stage.publish(client, EVENTS, 'a', 1);
  void stage.publish(client, `${EVENTS}k=v`, 'b', 1);
  await stage.pass(HOUR);
  assert.equal(program.queue.count, 2);
  const session = await stage.open();
  await stage.pass(SECOND);
  assert.deepEqual(session.topics, [`${AT_HUB}${TAKEN}`, `${AT_HUB}k=v&${TAKEN}`]);
  await stage.publish(client, EVENTS, 'c', 0);
  assert.equal(session.topics.at(-1), `${AT_HUB}%24.ctime=2030-01-01T01%3A00%3A01.000Z`);
});

for (const bag of [
  '$.ctime=2029',
  '%24.ctime=2029-01-01T00%3A00%3A00Z',
  'iothub-creation-time-utc=2029',
  '%24%2ectime',
])
  test(`where the program gave a time, that one stays: ${bag}`, async () => {
    const stage = new Stage('one');
    stage.isCredible = true;
    const session = await stage.open();
    void stage.publish(await stage.client('one'), `${EVENTS}k=v&${bag}`, 'a', 1);
    await stage.pass(SECOND);
    assert.deepEqual(session.topics, [`${AT_HUB}k=v&${bag}`]);
  });

test('no time where the clock is not credible, and none where a message has no room for it', async () => {
  const { stage, session, client } = await serving();
  void stage.publish(client, EVENTS, 'a', 1);
  await stage.pass(SECOND);
  stage.isCredible = true;
  void stage.publish(client, EVENTS, 'x'.repeat(262_144), 1);
  void stage.publish(client, `${EVENTS}${'x'.repeat(65_380)}`, 'b', 1);
  await stage.pass(SECOND);
  assert.deepEqual(session.topics, [AT_HUB, AT_HUB, `${AT_HUB}${'x'.repeat(65_380)}`]);
});

for (const exp of [
  '2030-01-01T01:00:00.000Z',
  '2030-01-01T01:00:00.1234567Z',
  '2030-01-01T01:00:00',
  '2030-01-01T02:00:00+01:00',
])
  test(`a message is not sent when the time that the program gave it has passed while it waited: ${exp}`, async () => {
    const { stage, program, client } = await joined();
    stage.isCredible = true;
    const published = ['', `%24.exp=${encodeURIComponent(exp)}&`, ''].map((bag, index) =>
      stage.publish(client, `${EVENTS}${bag}$.ctime`, `${index}`, 1),
    );
    await Promise.all(published);
    await stage.pass(2 * HOUR);
    await stage.open();
    await stage.pass(SECOND);
    assert.deepEqual(stage.hub.texts, ['0', '2']);
    assert.deepEqual([program.up.expired, program.queue.count], [1, 0]);
    assert.deepEqual(program.troubles, []);
  });

test('one that has expired before it comes is acknowledged, and goes nowhere', async () => {
  const { stage, program, client } = await serving();
  stage.isCredible = true;
  for (const qos of [0, 1] as const) await stage.publish(client, `${EVENTS}$.exp=2029-12-31T23:59:59Z`, 'a', qos);
  await stage.pass(SECOND);
  assert.deepEqual([stage.hub.texts, program.up.expired, program.queue.count], [[], 2, 0]);
});

test('none has expired while the clock is not credible, nor before its time, nor where its time cannot be read', async () => {
  const { stage, client } = await serving();
  void stage.publish(client, `${EVENTS}$.exp=2029-12-31T23:59:59Z`, 'a', 1);
  await stage.pass(SECOND);
  stage.isCredible = true;
  for (const exp of ['2030-01-01T00:00:59Z', 'tomorrow', '5', ''])
    void stage.publish(client, `${EVENTS}$.exp=${exp}&$.ctime`, exp, 1);
  await stage.pass(SECOND);
  assert.deepEqual(stage.hub.texts, ['a', '2030-01-01T00:00:59Z', 'tomorrow', '5', '']);
});

test('a message from the cloud that has expired while it waited for the program does not reach it', async () => {
  const stage = new Stage();
  stage.isCredible = true;
  const program = stage.program('one');
  const session = await stage.open();
  const first = await stage.client('one', MESSAGES);
  first.isPrompt = false;
  for (const [text, bag] of [
    ['a', ''],
    ['b', '%24.exp=2030-01-01T00%3A01%3A00Z'],
    ['c', 'k=%'],
  ] as const)
    await stage.arrive(session, `devices/gw-0001/messages/devicebound/${bag}`, text, 1);
  await stage.leave(first);
  await stage.pass(HOUR);
  const second = await stage.client('one', MESSAGES);
  await stage.pass(SECOND);
  assert.deepEqual(second.texts, ['a', 'c']);
  assert.deepEqual([program.down.expired, program.inbox.count], [1, 0]);
});
