import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClient } from './fakes.ts';
import { ANSWERS, DESIRED, fateOf, joined, MESSAGES, METHODS, Stage, serving, settled } from './stage.ts';
import { HOUR, SECOND } from './world.ts';

const EVENTS = 'devices/me/messages/events/';

test('an event is acknowledged when it is stored, not before, and then goes to the hub', async () => {
  const { stage, program, client } = await joined();
  const store = program.queue.hold();
  const published = stage.publish(client, `${EVENTS}?k=v/`, 'hello', 1);
  assert.equal(await fateOf(published), 'open');
  store();
  assert.equal(await fateOf(published), 'kept');
  assert.equal(program.queue.count, 1);
  const session = await stage.open();
  await stage.pass(SECOND);
  assert.deepEqual(session.topics, ['devices/gw-0001/messages/events/k=v']);
  assert.deepEqual(program.counts, { forwarded: 1, resent: 0, dropped: 0, refused: 0, setAside: 0 });
});

for (const [what, topic, text, kept = text] of [
  ['an unknown topic', 'sensors/1', ''],
  ['a topic without a request', '$iothub/twin/GET/?', ''],
  ['properties that are not encoded', `${EVENTS}a=%`, ''],
  ['two equals signs', `${EVENTS}room=a=b`, ''],
  ['a message that is too large, of which the beginning is kept', EVENTS, 'x'.repeat(262_145), 'x'.repeat(4_096)],
] as const) {
  test(`${what}: acknowledged, set aside with its reason, and a trouble for a day; those behind it go on`, async () => {
    const { stage, program, client } = await serving();
    const published = [EVENTS, topic, EVENTS, EVENTS].map((to, index) =>
      stage.publish(client, to, index === 1 ? text : `a${index}`, 1),
    );
    await stage.pass(SECOND);
    for (const one of published) assert.equal(await fateOf(one), 'kept');
    assert.deepEqual(stage.hub.texts, ['a0', 'a2', 'a3']);
    const [aside] = stage.setAside;
    assert.deepEqual([aside?.program, aside?.text, aside?.why.code], ['one', kept, 'NL-UPLINK-CONTENT']);
    assert.match(aside?.why.message ?? '', /^No hub takes it: .+\.$/);
    assert.deepEqual([program.counts.setAside, program.counts.refused], [1, 0]);
    const codes = () => program.troubles.map(({ code }) => code);
    assert.deepEqual(codes(), ['NL-UPLINK-CONTENT']);
    await stage.pass(23 * HOUR);
    assert.deepEqual(codes(), ['NL-UPLINK-CONTENT']);
    await stage.pass(2 * HOUR);
    assert.deepEqual(codes(), []);
    assert.deepEqual(
      stage.lines.map(({ event, id }) => `${event} ${id}`),
      ['uplink-set-aside one'],
    );
  });
}

test('a program that sends only what no hub takes: one a second; few are written to the flash, and few lines to the log, though each has another topic', async () => {
  const { stage, program, client } = await joined();
  for (let second = 0; second < 3_600; second += 1) {
    void stage.publish(client, `room/${second}`, '', 1);
    void stage.publish(client, `room/${second}/b`, '', 1);
    await stage.pass(SECOND);
  }
  const { setAside } = program.counts;
  assert(setAside > 3_590 && setAside <= 3_601, `${setAside} in an hour`);
  assert(stage.setAside.length >= 100 && stage.setAside.length <= 201, `${stage.setAside.length} written in an hour`);
  assert.ok(stage.lines.length <= 7, `${stage.lines.length} lines in an hour`);
});

test('a connection that was closed over what the program did is a trouble for a day: most programs send it again for ever', async () => {
  const stage = new Stage();
  const program = stage.program('one');
  await stage.leave(await stage.client('one'));
  const troubles = () => program.troubles.map(({ code, message }) => `${code} ${message}`);
  assert.deepEqual(troubles(), []);
  await stage.leave(await stage.client('one'), 'a message of QoS 2');
  assert.deepEqual(troubles(), ['NL-UPLINK-PROTOCOL newleaf closed a connection of one: a message of QoS 2.']);
  await stage.pass(25 * HOUR);
  assert.deepEqual(troubles(), []);
});

test('a message that cannot be set aside is refused: the program has it still', async () => {
  const { stage, program, client } = await joined();
  stage.unwritable = new Error('no space is left');
  const published = stage.publish(client, 'sensors/1', '', 1);
  const behind = stage.publish(client, EVENTS, 'a', 1);
  await stage.pass(SECOND);
  assert.equal(await fateOf(published), 'broken');
  assert.equal(await fateOf(behind), 'kept');
  assert.equal(program.counts.refused, 1);
});

test('behind a message that is refused, none is taken: it would overtake, and come again with each connection', async () => {
  const { stage, program, client } = await joined();
  program.queue.most = 0;
  const published = [EVENTS, EVENTS, EVENTS].map((topic) => stage.publish(client, topic, 'x', 1));
  await stage.pass(SECOND);
  for (const one of published) assert.equal(await fateOf(one), 'broken');
  assert.deepEqual([program.queue.count, stage.setAside.length], [0, 0]);
});

test('a program that is refused for an hour, once a second, has a few lines in the log', async () => {
  const stage = new Stage();
  stage.program('one').queue.most = 0;
  for (let second = 0; second < 3_600; second += 1) {
    const client = await stage.client('one');
    const published = [1, 2, 3].map(() => stage.publish(client, EVENTS, 'a', 1));
    await stage.pass(SECOND);
    for (const one of published) assert.equal(await fateOf(one), 'broken');
    await stage.leave(client);
  }
  assert.ok(stage.lines.length <= 7, `${stage.lines.length} lines in an hour`);
  const [first] = stage.lines;
  assert.deepEqual([first?.event, first?.id, first?.code], ['uplink-refused', 'one', 'NL-UPLINK-FULL']);
});

test('QoS 0: forwarded in a session, dropped and counted without one, never stored', async () => {
  const { stage, program, client } = await joined();
  await stage.publish(client, EVENTS, 'a');
  const session = await stage.open();
  await stage.publish(client, `${EVENTS}k=v`, 'b');
  assert.deepEqual(session.topics, ['devices/gw-0001/messages/events/k=v']);
  assert.equal(program.queue.count, 0);
  assert.equal(program.counts.dropped, 1);
  assert.equal(program.counts.forwarded, 1);
});

test('only the filters of a device are granted: messages as asked, all else by QoS 0', async () => {
  const { stage, client } = await joined();
  const granted = (filter: string) => stage.uplink.subscribe(client, filter, 1);
  assert.equal(await granted(MESSAGES), 1);
  for (const filter of [METHODS, ANSWERS, DESIRED]) assert.equal(await granted(filter), 0);
  for (const filter of ['#', 'devices/me/modules/m/#', 'devices/+/messages/devicebound/#']) {
    assert.equal(await granted(filter), 128);
  }
});

test('a program that is added while the session is open takes part: its messages, and what it subscribes to', async () => {
  const stage = new Stage();
  const session = await stage.open();
  stage.program('late');
  const client = await stage.client('late', DESIRED);
  await stage.publish(client, EVENTS, 'a', 1);
  await stage.pass(SECOND);
  assert.deepEqual(stage.hub.texts, ['a']);
  assert(session.filters.includes(`+${DESIRED} 0`));
});

test('a program that is removed: its clients are ended, its subscriptions at the hub too, the others go on', async () => {
  const stage = new Stage('one', 'two');
  const one = await stage.client('one', DESIRED, MESSAGES);
  const two = await stage.client('two', MESSAGES);
  const session = await stage.open();
  stage.uplink.remove('one');
  assert.equal(one.ended, 'the program was removed');
  await stage.leave(one);
  assert.equal(session.filters.at(-1), `-${DESIRED}`);
  await stage.publish(two, EVENTS, 'b', 1);
  const late = stage.publish(one, EVENTS, 'a', 1);
  await stage.pass(SECOND);
  assert.equal(await fateOf(late), 'broken');
  assert.deepEqual(stage.hub.texts, ['b']);
  await assert.rejects(stage.uplink.joined(new TestClient('one')));
});

test('what the hub sends before the session is proven is taken, too', async () => {
  const { stage, client } = await joined(MESSAGES);
  const session = stage.hub.accept();
  assert.equal(await fateOf(stage.arrive(session, 'devices/gw-0001/messages/devicebound/', 'm1', 1)), 'kept');
  assert.deepEqual(client.texts, ['m1']);
});

test('a topic of other software is not wanted', async () => {
  const stage = new Stage('one');
  const session = await stage.open();
  for (const topic of ['other', '$iothub/methods/POST/', '$iothub/streams/POST/x/?$rid=1']) {
    assert.equal(stage.arrive(session, topic), undefined);
  }
});

test('close: messages stay in the queue, requests are forgotten', async () => {
  const { stage, program, client } = await serving(ANSWERS);
  await stage.publish(client, '$iothub/twin/GET/?$rid=1');
  await stage.uplink.close();
  await stage.publish(client, EVENTS, 'a', 1);
  await stage.pass(SECOND);
  assert.equal(program.queue.count, 1);
  assert.deepEqual(client.got, []);
  await settled();
});
