import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlayedSession } from './played-hub.ts';
import { fateOf, joined, METHODS, Stage, serving, settled } from './stage.ts';
import { MINUTE } from './world.ts';

const call = (request: string, name = 'open') => `$iothub/methods/POST/${name}/?$rid=${request}`;
const answer = (request: string, status: number) => `$iothub/methods/res/${status}/?$rid=${request}`;

const answers = (session: PlayedSession): string[] =>
  session.published.map(({ topic, payload }) => `${topic} ${Buffer.from(payload)}`);

test('a call goes to each subscriber as it came, and the first answer counts', async () => {
  const stage = new Stage('one', 'two', 'three');
  const one = await stage.client('one', METHODS);
  const two = await stage.client('two', METHODS);
  const three = await stage.client('three');
  const session = await stage.open();
  assert.equal(await fateOf(stage.arrive(session, call('7'), '{"a":1}')), 'kept');
  const asked = { topic: call('7'), text: '{"a":1}', qos: 0 };
  for (const client of [one, two]) assert.deepEqual(client.got, [asked]);
  assert.deepEqual(three.got, []);
  await stage.publish(two, answer('7', 200), '"two"');
  await stage.publish(one, answer('7', 200), '"one"');
  await stage.publish(two, answer('7', 200), '"again"');
  assert.deepEqual(answers(session), [`${answer('7', 200)} "two"`]);
});

test('no subscriber: it is not wanted, and the session answers', async () => {
  const { stage, session } = await serving();
  assert.equal(await fateOf(stage.arrive(session, call('7'))), 'none');
});

for (const [said, expected] of [
  [[404, 200], 200],
  [[501, 404], 501],
  [[501, 200], 200],
  [[404, 404], 404],
  [[500, 200], 500],
  [[200, 404], 200],
] as const) {
  test(`answers ${said.join(', then ')}: the caller gets ${expected}, once`, async () => {
    const stage = new Stage('one', 'two');
    const clients = [await stage.client('one', METHODS), await stage.client('two', METHODS)];
    const session = await stage.open();
    await stage.arrive(session, call('7'));
    for (const [index, client] of clients.entries()) await stage.publish(client, answer('7', said[index] ?? 0));
    assert.deepEqual(session.topics, [answer('7', expected)]);
  });
}

test('an answer that no hub takes, as it is longer than 128 KB: the caller hears that, and the session goes on', async () => {
  const { stage, client, session } = await serving(METHODS);
  for (const [request, bytes] of [
    ['7', 131_072],
    ['8', 131_073],
  ] as const) {
    await stage.arrive(session, call(request));
    await stage.publish(client, answer(request, 200), 'x'.repeat(bytes));
  }
  assert.deepEqual(session.topics, [answer('7', 200), answer('8', 413)]);
  assert.match(answers(session)[1] ?? '', /longer than the 131072 bytes/);
});

test('only a client that was asked may answer, only once, and only what was asked', async () => {
  const stage = new Stage('one', 'two');
  const one = await stage.client('one', METHODS);
  const session = await stage.open();
  await stage.arrive(session, call('7'));
  const late = await stage.client('two', METHODS);
  await stage.publish(late, answer('7', 200));
  await stage.publish(one, answer('8', 200));
  assert.deepEqual(session.topics, []);
  await stage.publish(one, answer('7', 200));
  assert.deepEqual(session.topics, [answer('7', 200)]);
});

test('a client that goes without an answer: 502 at once; or the 404 of the other', async () => {
  const stage = new Stage('one', 'two');
  const one = await stage.client('one', METHODS);
  const session = await stage.open();
  await stage.arrive(session, call('7'));
  await stage.leave(one);
  assert.deepEqual(session.topics, [answer('7', 502)]);
  const [gone, other] = [await stage.client('one', METHODS), await stage.client('two', METHODS)];
  await stage.arrive(session, call('8'));
  await stage.publish(other, answer('8', 404));
  await stage.leave(gone);
  assert.deepEqual(session.topics.slice(1), [answer('8', 404)]);
});

test('a client that cannot be asked any more: 502', async () => {
  const { stage, client, session } = await serving(METHODS);
  client.go();
  await stage.arrive(session, call('7'));
  await settled();
  assert.deepEqual(session.topics, [answer('7', 502)]);
});

test('after 300 s the hub has forgotten the call: a late answer is dropped', async () => {
  const { stage, client, session } = await serving(METHODS);
  await stage.arrive(session, call('7'));
  await stage.pass(5 * MINUTE - 1);
  await stage.arrive(session, call('8'));
  await stage.pass(2);
  await stage.publish(client, answer('7', 200));
  assert.deepEqual(session.topics, []);
  await stage.publish(client, answer('8', 200));
  assert.deepEqual(session.topics, [answer('8', 200)]);
});

test('the answer goes to the session of its call, and is lost with it', async () => {
  const { stage, client } = await joined(METHODS);
  const first = await stage.open();
  await stage.arrive(first, call('7'));
  first.end();
  const next = await stage.open();
  await stage.publish(client, answer('7', 200));
  await settled();
  assert.deepEqual(next.topics, []);
});
