import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OwnTerms } from '../../../agent/state/program-terms.ts';
import { diceOf } from '../../search/dice.ts';
import { ahead } from '../ahead.ts';
import { seeds } from '../seeds.ts';
import { CLOSE } from './played-hub.ts';
import { HOUR, MINUTE, numbered, SECOND, World } from './world.ts';

const PRIORITIES = ['high', 'normal', 'bulk'] as const;
const WEIGHTS = { high: 64, normal: 8, bulk: 1 };

const fairness = await ahead(async () => {
  for (const seed of seeds(4, 7, 10)) {
    const dice = diceOf(seed);
    const names = ['one', 'two', 'three', 'four', 'five', 'six'].slice(0, 2 + Math.floor(dice() * 5));
    const terms = Object.fromEntries(
      names.map((name) => [name, { priority: PRIORITIES[Math.floor(dice() * 3)] ?? 'normal' }]),
    );
    const weightOf = (name: string) => WEIGHTS[terms[name]?.priority ?? 'normal'];
    const total = names.reduce((sum, name) => sum + weightOf(name), 0);
    const world = new World(names, 20, terms);
    world.start();
    await world.pass(dice() * HOUR);
    for (const name of names) await world.append(name, ...numbered(`${name} `, 20 * 240));
    const begun = world.hub.arrived.length;
    await world.pass(4 * MINUTE - 10 * SECOND);
    const came = world.hub.texts.slice(begun);
    for (const name of names) {
      const own = came.filter((text) => text.startsWith(`${name} `)).length;
      const share = (came.length * weightOf(name)) / total;
      assert(Math.abs(own - share) <= 2, `seed ${seed}: ${own} of ${name}, and its share is ${share}`);
    }
  }
});

const alarm = await ahead(async () => {
  const world = new World(['log', 'live', 'alarms'], 20, { alarms: { priority: 'high' }, log: { priority: 'bulk' } });
  await world.append('log', ...numbered('b', 2_000));
  world.start();
  await world.pass(10 * SECOND);
  await world.append('live', 'l1');
  await world.append('alarms', 'a1', 'a2');
  await world.pass(200);
  assert.deepEqual(world.hub.texts.slice(-3), ['a1', 'l1', 'a2']);
  await world.pass(2 * MINUTE);
  world.assertKept();
});

const rare = await ahead(async () => {
  const world = new World(['rare', 'busy', 'log'], 20, { log: { priority: 'bulk' } });
  world.start();
  await world.append('busy', ...numbered('b', 12_000));
  await world.append('log', ...numbered('l', 2_000));
  const late: number[] = [];
  for (let minute = 0; minute < 10; minute += 1) {
    await world.pass(MINUTE);
    const at = world.at;
    await world.append('rare', `r${minute}`);
    await world.pass(SECOND);
    late.push((world.hub.arrived.find(({ text }) => text === `r${minute}`)?.at ?? Number.POSITIVE_INFINITY) - at);
  }
  assert(Math.max(...late) < 200, `${late}`);
  const logged = world.hub.texts.filter((text) => text.startsWith('l')).length;
  assert(logged > 1_300 && logged < 1_400, `${logged}`);
});

const lateness = await ahead(async () => {
  const world = new World(['one'], 1_000);
  const { sleep } = world.clock;
  // As those of node are, which also know no fractions of a millisecond.
  world.clock.sleep = (ms, abort) => sleep.call(world.clock, ms + 2, abort);
  world.hub.rttMs = 0;
  world.start();
  await world.pass(MINUTE);
  await world.append('one', ...numbered('a', 5_000));
  await world.pass(4 * SECOND);
  assert(world.hub.arrived.length > 3_600, `${world.hub.arrived.length} in 4 s`);
});

test('an alarm overtakes a backlog of other programs, and the backlog goes on behind it', alarm);

test('the law of fairness: while all wait, each gets its share, equals get the same, and none stands', fairness);

test('a program that comes and goes takes no more than its share, and waits for no more than its turn', rare);

test('the rate of a program: what it has beyond it waits, the others do not, and QoS 0 beyond it is dropped', async () => {
  const terms: Record<string, OwnTerms> = { one: { rate: 2 } };
  const world = new World(['one', 'two'], 20, terms);
  world.start();
  await world.pass(MINUTE);
  await world.append('one', ...numbered('a', 100));
  await world.append('two', ...numbered('b', 100));
  await world.pass(10 * SECOND);
  const count = (prefix: string) => world.hub.texts.filter((text) => text.startsWith(prefix)).length;
  assert(count('a') >= 20 && count('a') <= 23, `${count('a')}`);
  assert.equal(count('b'), 100);
  const before = world.sleeps;
  await world.pass(MINUTE);
  world.assertKept();
  assert(world.sleeps - before < 3 * 100, `${world.sleeps - before} sleeps`);
  let went = 0;
  for (let at = 0; at < 10 * SECOND; at += 100) {
    if (await world.sendAway('one', 'q')) went += 1;
    await world.pass(100);
  }
  assert(went >= 20 && went <= 23, `${went} of QoS 0`);
  assert.equal(await world.sendAway('two', 'q'), true);
});

test('late timers do not lower a high rate', lateness);

test('a program that is removed while the hub closes over its messages slows down none', async () => {
  const world = new World(['good', 'bad']);
  world.start();
  await world.append('good', 'first');
  await world.append('bad', 'bad1', 'bad2', 'bad3');
  await world.pass(MINUTE);
  assert.equal(world.uplink.program('bad')?.troubles[0]?.code, 'NL-UPLINK-POISON');
  world.uplink.remove('bad');
  world.hub.rttMs = 4 * SECOND;
  await world.append('good', ...numbered('g', 60));
  const { length: sessions } = world.hub.sessions;
  await world.pass(30 * SECOND);
  assert.equal(world.hub.texts.filter((text) => text.startsWith('g')).length, 60);
  assert.equal(world.hub.sessions.length, sessions);
});

test('another client ends the sessions over whatever is on its way: once the hub has taken that, nobody is blamed', async () => {
  const world = new World(['sensors']);
  const { verdict } = world.hub;
  world.start();
  await world.append('sensors', 'first');
  await world.pass(MINUTE);
  let ends = 2;
  world.hub.verdict = (text, session) => (ends-- > 0 ? CLOSE : verdict(text, session));
  await world.append('sensors', ...numbered('s', 40));
  await world.pass(10 * SECOND);
  const codes = () => world.program('sensors').troubles.map(({ code }) => code);
  assert.deepEqual(codes(), ['NL-UPLINK-POISON']);
  await world.pass(20 * MINUTE);
  assert.deepEqual(new Set(world.hub.texts), new Set(['first', ...numbered('s', 40)]));
  assert.deepEqual([codes(), world.asideTexts], [[], []]);

  // What is set aside is told for its day.
  await world.append('sensors', 'bad', ...numbered('t', 40));
  await world.pass(20 * MINUTE);
  assert.deepEqual([codes(), world.asideTexts], [['NL-UPLINK-POISON'], ['bad']]);
});
