import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patchFault } from '../../../agent/uplink/twin.ts';
import type { TestClient } from './fakes.ts';
import type { PlayedSession } from './played-hub.ts';
import { ANSWERS, DESIRED, joined, Stage, serving } from './stage.ts';

const GET = '$iothub/twin/GET/?$rid=';
const PATCH = '$iothub/twin/PATCH/properties/reported/?$rid=';
const CHANGE = '$iothub/twin/PATCH/properties/desired/?$version=';
const twinOf = (version: number) => JSON.stringify({ desired: { a: version, $version: version }, reported: {} });

/** The IDs of the requests that came to the hub. */
const requests = (session: PlayedSession): string[] => session.topics.map((topic) => topic.split('$rid=')[1] ?? '');
const last = (session: PlayedSession): string => requests(session).at(-1) ?? '';
const statuses = (client: TestClient): string[] => client.topics.map((topic) => topic.split('/')[3] ?? '');
const changes = (client: TestClient): string[] => client.topics.filter((topic) => topic.startsWith(CHANGE));

test('programs use the same request ID: each gets its own answer, with its own ID', async () => {
  const stage = new Stage('one', 'two');
  const [one, two] = [await stage.client('one', ANSWERS), await stage.client('two', ANSWERS)];
  const session = await stage.open();
  await stage.publish(one, `${GET}1`);
  await stage.publish(two, `${PATCH}1`, '{"a":1}');
  const [first = '', second = ''] = requests(session);
  assert.match(first, /^uplink-/);
  assert.notEqual(first, second);
  await stage.arrive(session, `$iothub/twin/res/204/?$rid=${second}&$version=9`);
  await stage.arrive(session, `$iothub/twin/res/200/?$rid=${first}`, twinOf(5));
  assert.deepEqual(one.got, [{ topic: '$iothub/twin/res/200/?$rid=1', text: twinOf(5), qos: 0 }]);
  assert.deepEqual(two.got, [{ topic: '$iothub/twin/res/204/?$rid=1&$version=9', text: '', qos: 0 }]);
  assert.equal(Buffer.from(session.published[1]?.payload ?? []).toString(), '{"a":1}');
});

test('an answer that is not for a program, or comes twice, is not wanted', async () => {
  const { stage, client, session } = await serving(ANSWERS);
  await stage.publish(client, `${GET}1`);
  const answer = `$iothub/twin/res/200/?$rid=${last(session)}`;
  assert.equal(stage.arrive(session, '$iothub/twin/res/200/?$rid=1'), undefined);
  assert.equal(stage.arrive(session, '$iothub/twin/res/200/?$rid=uplink-999'), undefined);
  assert.notEqual(stage.arrive(session, answer, '{}'), undefined);
  assert.equal(stage.arrive(session, answer, '{}'), undefined);
  assert.equal(client.got.length, 1);
});

test('without an answer for 30 s: 503; an answer after that is not wanted', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { stage, client } = await joined(ANSWERS);
  await stage.publish(client, `${GET}1`);
  const session = await stage.open();
  await stage.publish(client, `${PATCH}2`, '{}');
  t.mock.timers.tick(29_999);
  assert.deepEqual(client.got, []);
  t.mock.timers.tick(1);
  assert.deepEqual(statuses(client), ['503', '503']);
  assert.equal(stage.arrive(session, `$iothub/twin/res/200/?$rid=${last(session)}`, '{}'), undefined);
});

test('what waits is asked again on the next session, in order', async () => {
  const { stage, client } = await joined(ANSWERS);
  await stage.publish(client, `${PATCH}1`, '{"a":1}');
  const first = await stage.open();
  await stage.publish(client, `${PATCH}2`, '{"a":2}');
  await stage.arrive(first, `$iothub/twin/res/204/?$rid=${requests(first)[0]}`);
  first.end();
  await stage.publish(client, `${GET}3`);
  const next = await stage.open();
  assert.deepEqual(
    requests(next).map((one) => one.slice(0, 7)),
    ['uplink-', 'uplink-'],
  );
  await stage.arrive(next, `$iothub/twin/res/204/?$rid=${requests(next)[0]}`);
  await stage.arrive(next, `$iothub/twin/res/200/?$rid=${requests(next)[1]}`, twinOf(1));
  assert.deepEqual(
    client.topics.map((topic) => topic.split('$rid=')[1]),
    ['1', '2', '3'],
  );
});

test('a client that is gone gets no answer, and its request is forgotten', async () => {
  const { stage, client, session } = await serving(ANSWERS);
  await stage.publish(client, `${GET}1`);
  await stage.leave(client);
  assert.equal(stage.arrive(session, `$iothub/twin/res/200/?$rid=${last(session)}`, twinOf(1)), undefined);
});

test('more than 64 requests that wait: 429', async () => {
  const { stage, client } = await joined(ANSWERS);
  for (let request = 1; request <= 66; request += 1) await stage.publish(client, `${GET}${request}`);
  assert.deepEqual(client.topics, ['$iothub/twin/res/429/?$rid=65', '$iothub/twin/res/429/?$rid=66']);
  await stage.uplink.close();
});

test('the property of newleaf is refused with 400, and nothing goes to the hub', async () => {
  const { stage, client, session } = await serving(ANSWERS);
  await stage.publish(client, `${PATCH}1`, '{"a":1,"newleaf":null}');
  assert.deepEqual(session.topics, []);
  assert.deepEqual(statuses(client), ['400']);
  assert.match(client.texts[0] ?? '', /newleaf/);
});

const wide = (bytes: number): string => JSON.stringify({ a: 'x'.repeat(bytes - 8) });

/** A patch, and what is wrong with it. */
const PATCHES: readonly (readonly [string, RegExp | undefined])[] = [
  ['{}', undefined],
  ['{"a":{"newleaf":1}}', undefined],
  ['{"Newleaf":1}', undefined],
  ['{"__proto__":{"newleaf":1}}', undefined],
  [wide(32_768), undefined],
  [wide(32_769), /32769 bytes/],
  ['{"newleaf":1}', /newleaf/],
  ['{"newleaf":null}', /newleaf/],
  ['{"\\u006eewleaf":1}', /newleaf/],
  ['{"a":1,"newleaf":{}}', /newleaf/],
  ['', /JSON object/],
  ['null', /JSON object/],
  ['[]', /JSON object/],
  ['"newleaf"', /JSON object/],
  ['{"a":1', /JSON object/],
];

for (const [text, fault] of PATCHES) {
  test(`patch ${text.slice(0, 40)}: ${fault ?? 'passed on'}`, () => {
    const said = patchFault(Buffer.from(text));
    if (fault === undefined) assert.equal(said, undefined);
    else assert.match(said ?? '', fault);
  });
}

test('a desired change goes to all that follow it', async () => {
  const stage = new Stage('one', 'two');
  const [one, two] = [await stage.client('one', DESIRED), await stage.client('two', ANSWERS)];
  const session = await stage.open();
  assert(session.filters.includes(`+${DESIRED} 0`));
  await stage.arrive(session, `${CHANGE}6`, '{"a":1,"$version":6}');
  assert.deepEqual(one.got, [{ topic: `${CHANGE}6`, text: '{"a":1,"$version":6}', qos: 0 }]);
  assert.deepEqual(two.got, []);
});

/** The hub answers the read that newleaf itself makes. */
async function answerOwn(stage: Stage, session: PlayedSession, version: number): Promise<void> {
  await stage.arrive(session, `$iothub/twin/res/200/?$rid=${last(session)}`, twinOf(version));
}

test('a desired change during an outage is told after it, whole, and once', async () => {
  const { stage, client } = await joined(DESIRED, ANSWERS);
  const first = await stage.open();
  await answerOwn(stage, first, 5);
  assert.deepEqual(client.got, [], 'the program has read it by itself, or will');
  first.end();
  const second = await stage.open();
  await answerOwn(stage, second, 6);
  assert.deepEqual(client.got, [{ topic: `${CHANGE}6`, text: '{"a":6,"$version":6}', qos: 0 }]);
  second.end();
  const third = await stage.open();
  await answerOwn(stage, third, 6);
  assert.equal(client.got.length, 1);
});

test('… also where another program has read the twin first, or a newer change came before the answer', async () => {
  const stage = new Stage('one', 'two');
  const client = await stage.client('one', DESIRED);
  const other = await stage.client('two', ANSWERS);
  const first = await stage.open();
  await answerOwn(stage, first, 5);
  first.end();
  await stage.publish(other, `${GET}1`);
  const second = await stage.open();
  const [theirs = '', own = ''] = requests(second);
  await stage.arrive(second, `$iothub/twin/res/200/?$rid=${theirs}`, twinOf(6));
  await stage.arrive(second, `${CHANGE}7`, '{"b":1}');
  await stage.arrive(second, `$iothub/twin/res/200/?$rid=${own}`, twinOf(7));
  assert.deepEqual(changes(client), [`${CHANGE}7`, `${CHANGE}7`]);
  assert.equal(client.texts[1], '{"a":7,"$version":7}');
});

test('… also after a move to a hub whose twin has a lower version', async () => {
  const { stage, client } = await joined(DESIRED);
  const first = await stage.open();
  await answerOwn(stage, first, 57);
  first.end();
  const second = await stage.open('gw-b');
  await answerOwn(stage, second, 2);
  assert.deepEqual(changes(client), [`${CHANGE}2`]);
});

test('… also where the hub refuses the first reads after an outage, or does not answer them', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { stage, client } = await joined(DESIRED);
  const first = await stage.open();
  await answerOwn(stage, first, 5);
  first.end();
  const second = await stage.open();
  await stage.arrive(second, `$iothub/twin/res/429/?$rid=${last(second)}`);
  t.mock.timers.tick(30_000);
  assert.equal(second.topics.length, 2);
  t.mock.timers.tick(30_000);
  assert.equal(second.topics.length, 3);
  await answerOwn(stage, second, 6);
  assert.deepEqual(changes(client), [`${CHANGE}6`]);
  t.mock.timers.tick(120_000);
  assert.equal(second.topics.length, 3);
});

test('newleaf reads nothing for programs that do not follow the desired properties', async () => {
  const { session } = await serving(ANSWERS);
  assert.deepEqual(session.topics, []);
});

for (const nonsense of ['', 'null', '{}', '{"desired":null}', '{"desired":{"$version":"x"}}', '{"desired":{}}', '[']) {
  test(`a twin that is none, ${nonsense || 'empty'}: passed on to the asker, and nothing else follows`, async () => {
    const { stage, client, session } = await serving(DESIRED, ANSWERS);
    await answerOwn(stage, session, 5);
    await stage.publish(client, `${GET}1`);
    await stage.arrive(session, `$iothub/twin/res/200/?$rid=${last(session)}`, nonsense);
    assert.deepEqual(client.texts, [nonsense]);
    session.end();
    const next = await stage.open();
    await answerOwn(stage, next, 6);
    assert.deepEqual(changes(client), [`${CHANGE}6`]);
  });
}
