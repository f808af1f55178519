import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeptPatch } from '../../../agent/uplink/kept-patch.ts';
import { diceOf } from '../../search/dice.ts';
import type { TestClient } from './fakes.ts';
import type { PlayedSession } from './played-hub.ts';
import { ANSWERS, Stage, settled } from './stage.ts';
import { MINUTE } from './world.ts';

const GET = '$iothub/twin/GET/?$rid=';
const PATCH = '$iothub/twin/PATCH/properties/reported/?$rid=';
const quiet = async () => {};

const patches = (session: PlayedSession): string[] =>
  session.published
    .filter(({ topic }) => topic.startsWith(PATCH))
    .map(({ payload }) => Buffer.from(payload).toString());
const statuses = (client: TestClient): string[] => client.topics.map((topic) => topic.split('/')[3] ?? '');

async function staged() {
  const stage = new Stage('one', 'two');
  return { stage, one: await stage.client('one', ANSWERS), two: await stage.client('two', ANSWERS) };
}

/** The hub answers the request that came last. */
async function answer(stage: Stage, session: PlayedSession, status: number): Promise<void> {
  await stage.arrive(session, `$iothub/twin/res/${status}/?$rid=${session.topics.at(-1)?.split('$rid=')[1]}`);
}

test('what programs report while the hub is away is answered at once, and goes as one patch', async () => {
  const { stage, one, two } = await staged();
  await stage.publish(one, `${PATCH}1`, '{"a":1,"b":{"c":1,"d":1}}');
  await stage.publish(two, `${PATCH}2`, '{"a":null,"b":{"d":2}}');
  assert.deepEqual([one.topics, two.topics], [['$iothub/twin/res/204/?$rid=1'], ['$iothub/twin/res/204/?$rid=2']]);
  const first = await stage.open();
  assert.deepEqual(patches(first), ['{"a":null,"b":{"c":1,"d":2}}']);
  await answer(stage, first, 204);
  first.end();
  const second = await stage.open();
  assert.deepEqual(patches(second), []);
  await stage.publish(one, `${PATCH}3`, '{"a":3}');
  assert.deepEqual(patches(second), ['{"a":3}']);
});

test('a write whose answer is lost with the session is kept; a read is asked again', async () => {
  const { stage, one } = await staged();
  const first = await stage.open();
  await stage.publish(one, `${PATCH}1`, '{"a":1}');
  await stage.publish(one, `${GET}2`);
  first.end();
  await stage.pass(1);
  assert.deepEqual(statuses(one), ['204']);
  const second = await stage.open();
  assert.deepEqual(patches(second), ['{"a":1}']);
  assert.equal(second.topics.length, 2);
});

test('what is written while the hub has not answered waits behind what was kept: the last one counts', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { stage, one, two } = await staged();
  await stage.publish(one, `${PATCH}1`, '{"a":1,"b":1}');
  const session = await stage.open();
  await stage.publish(two, `${PATCH}2`, '{"a":2}');
  await stage.publish(two, `${PATCH}3`, '{"b":{"c":3}}');
  await answer(stage, session, 429);
  assert.deepEqual(patches(session), ['{"a":1,"b":1}']);
  t.mock.timers.tick(29_999);
  assert.deepEqual(statuses(two), ['204']);
  t.mock.timers.tick(1);
  assert.deepEqual(statuses(two), ['204', '503'], 'an object in the place of a number cannot be kept');
  assert.deepEqual(patches(session), ['{"a":1,"b":1}', '{"a":2,"b":1}']);
  await stage.publish(two, `${PATCH}4`, '{"b":{"c":4}}');
  await answer(stage, session, 204);
  assert.deepEqual(patches(session).slice(2), ['{"b":{"c":4}}']);
  await answer(stage, session, 204);
  assert.deepEqual(statuses(two), ['204', '503', '204']);
});

test('a hub that puts it off for ten minutes seems to throttle, until it takes it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { stage, one } = await staged();
  await stage.publish(one, `${PATCH}1`, '{"a":1}');
  t.mock.timers.tick(60 * MINUTE);
  const session = await stage.open();
  for (let tries = 1; tries <= 21; tries += 1) {
    assert.equal(stage.uplink.pace.isThrottled, tries === 21);
    await answer(stage, session, tries % 2 === 0 ? 429 : 503);
    t.mock.timers.tick(MINUTE / 2);
  }
  assert.equal(patches(session).length, 22);
  assert.match(stage.lines[0]?.message ?? '', /puts off \(503\) what programs reported while it was away/);
  await answer(stage, session, 204);
  assert.equal(stage.uplink.pace.isThrottled, false);
});

test('a newer session takes the place of the one that has not answered: nothing is lost, and nothing is out of order', async () => {
  const { stage, one } = await staged();
  await stage.publish(one, `${PATCH}1`, '{"a":1}');
  const older = await stage.open();
  const newer = stage.hub.accept();
  stage.uplink.opened(newer);
  older.end('ended');
  await stage.publish(one, `${PATCH}2`, '{"a":2}');
  await answer(stage, newer, 204);
  await answer(stage, newer, 204);
  assert.deepEqual(patches(newer), ['{"a":1}', '{"a":2}']);
});

test('what the hub refuses is given up, with a line in the log', async () => {
  const { stage, one } = await staged();
  await stage.publish(one, `${PATCH}1`, '{"a":1}');
  const session = await stage.open();
  await answer(stage, session, 400);
  assert.match(stage.lines[0]?.message ?? '', /refuses \(400\) what programs reported while it was away/);
  session.end();
  assert.deepEqual(patches(await stage.open()), []);
});

test('more than a twin holds waits for the hub as before', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { stage, one } = await staged();
  await stage.publish(one, `${PATCH}1`, JSON.stringify({ a: 'x'.repeat(20_000) }));
  await stage.publish(one, `${PATCH}2`, JSON.stringify({ b: 'x'.repeat(20_000) }));
  await stage.publish(one, `${PATCH}3`, '{"c":1}');
  assert.deepEqual(statuses(one), ['204']);
  t.mock.timers.tick(30_000);
  assert.deepEqual(statuses(one), ['204', '503', '503'], 'none overtakes another');
});

test('it is on disk within a minute, and what was sent is gone from there at once', async () => {
  const { stage, one } = await staged();
  await stage.publish(one, `${PATCH}1`, '{"a":1}');
  await stage.publish(one, `${PATCH}2`, '{"b":1}');
  assert.deepEqual(stage.reported, []);
  await stage.pass(MINUTE);
  await stage.pass(MINUTE);
  assert.deepEqual(stage.reported, ['{"a":1,"b":1}']);
  const session = await stage.open();
  await answer(stage, session, 204);
  assert.deepEqual(stage.reported.slice(1), ['{}']);
  session.end();
  await stage.pass(1);
  await stage.publish(one, `${PATCH}3`, '{"c":1}');
  await stage.uplink.close();
  assert.deepEqual(stage.reported.slice(2), ['{"c":1}']);
});

test('a disk that takes nothing for a while: it is written when it can be', async () => {
  const { stage, one } = await staged();
  stage.unwritable = new Error('no space is left');
  await stage.publish(one, `${PATCH}1`, '{"a":1}');
  await stage.pass(MINUTE);
  stage.unwritable = undefined;
  await stage.pass(MINUTE);
  assert.deepEqual(stage.reported, ['{"a":1}']);
});

/** RFC 7396, section 2. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target);
  const result = new Map(isObject ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name);
    else result.set(name, merged(result.get(name), value));
  }
  return Object.fromEntries(result);
}

test('a patch that is kept has the effect of all that it was made of, on every twin', () => {
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<unknown>(null, 1, 'x', [], [{ a: 1 }]),
      fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), tie('value'), { maxKeys: 3 }),
    ),
  }));
  const object = fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), value, { maxKeys: 3 });
  fc.assert(
    fc.property(fc.array(object, { maxLength: 4 }), object, (given, patch) => {
      const reported = new KeptPatch(quiet);
      const twin = merged({}, patch);
      const kept = given.filter((one) => reported.add(Buffer.from(JSON.stringify(one))));
      const payload = JSON.parse(reported.payload?.toString() ?? '{}');
      const one = merged(twin, payload);
      assert.deepEqual(
        JSON.stringify(sorted(one)),
        JSON.stringify(sorted(kept.reduce<unknown>((on, next) => merged(on, next), twin))),
      );
    }),
    { numRuns: 2_000 },
  );
});

test('random outages, rolls and refusals: what was answered 204 is at the hub at the end, and the last one counts', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  for (let seed = 1; seed <= 200; seed += 1) {
    const dice = diceOf(seed);
    const { stage, one } = await staged();
    let twin: unknown = {};
    let isGood = false;
    /** Answered up to here. */
    const seen = new Map<PlayedSession, number>();
    const answers = async (session: PlayedSession) => {
      for (let index = seen.get(session) ?? 0; index < session.published.length; index = seen.get(session) ?? 0) {
        seen.set(session, index + 1);
        const { topic, payload } = session.published[index] ?? assert.fail();
        const isTaken = isGood || dice() < 0.7;
        if (isTaken) twin = merged(twin, JSON.parse(Buffer.from(payload).toString()));
        // An answer may be lost with its session, and with all behind it.
        if (!isGood && dice() < 0.2) return session.end();
        await stage.arrive(session, `$iothub/twin/res/${isTaken ? 204 : 429}/?$rid=${topic.split('$rid=')[1]}`);
      }
    };
    const written = new Map<string, unknown>();
    for (let step = 0; step < 40; step += 1) {
      const open = stage.hub.open;
      const roll = dice();
      if (roll < 0.6) {
        const patch = {
          [dice() < 0.5 ? 'a' : 'b']: step,
          o: { [dice() < 0.5 ? 'c' : 'd']: dice() < 0.3 ? null : step },
        };
        written.set(`${step}`, patch);
        await stage.publish(one, `${PATCH}${step}`, JSON.stringify(patch));
      } else if (open === undefined) await stage.open();
      else if (roll < 0.7) open.end();
      else if (roll < 0.75) {
        await answers(open);
        await stage.open();
        open.end('ended');
      } else await answers(open);
      if (dice() < 0.1) {
        // Else a write has no answer for so long, and whether the hub has taken it is not known.
        if (stage.hub.open !== undefined) await answers(stage.hub.open);
        await settled();
        t.mock.timers.tick(30_000);
      }
      await settled();
    }
    isGood = true;
    const last = stage.hub.open ?? (await stage.open());
    for (let minute = 0; minute < 3; minute += 1) {
      await answers(last);
      t.mock.timers.tick(30_000);
    }
    const taken = one.topics.flatMap((topic) => /res\/204\/\?\$rid=(\d+)/.exec(topic)?.[1] ?? []);
    const order = [...written.keys()].filter((request) => taken.includes(request));
    const due = order.reduce<unknown>((on, request) => merged(on, written.get(request)), {});
    assert.deepEqual(sorted(twin), sorted(due), `seed ${seed}`);
    await stage.uplink.close();
  }
});

/** With names in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, inner]) => [name, sorted(inner)]);
}
