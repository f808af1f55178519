import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diceOf } from '../../search/dice.ts';
import { ahead } from '../ahead.ts';
import { seeds } from '../seeds.ts';
import { HOUR, isPoison, MINUTE, SECOND, World } from './world.ts';

/** A reconnect, and one more where it was over two messages at once. */
const LONGEST_MS = 30 * SECOND;

const closed = (qos: 0 | 1) =>
  ahead(async () => {
    for (const seed of seeds(4, 7, 9)) {
      const dice = diceOf(seed);
      const world = new World(['good', 'bad', 'fair']);
      world.start();
      await world.pass(MINUTE + dice() * HOUR);
      const at = new Map<string, number>();
      const begun = world.at;
      const everyMs = (0.5 + dice() * 20) * SECOND;
      const share = dice();
      let passed = 0;
      let sent = 0;
      for (; world.at < begun + HOUR; sent += 1) {
        for (const name of ['good', 'fair']) {
          at.set(`${name}${sent}`, world.at);
          await world.append(name, `${name}${sent}`);
        }
        if (await world.sendAway('fair', `q${sent}`)) passed += 1;
        const text = `${dice() < share ? 'bad' : 'well'}${sent}`;
        if (qos === 0) await world.sendAway('bad', text);
        else if (dice() < 0.2) await world.append('bad', text);
        await world.pass(everyMs * (0.5 + dice()));
      }
      await world.pass(MINUTE);
      // The first of each.
      const arrived = new Map(world.hub.arrived.toReversed().map((one) => [one.text, one.at]));
      for (const [text, since] of at) {
        const came = arrived.get(text) ?? assert.fail(`seed ${seed}: ${text} is missing`);
        assert(came - since <= LONGEST_MS, `seed ${seed}: ${text} took ${came - since} ms`);
      }
      assert(passed > 0.9 * sent, `seed ${seed}: ${passed} of ${sent} of QoS 0 went`);
      assert(world.mostFlaps < 3, `seed ${seed}: ${world.mostFlaps} sessions in a row ended within a minute`);
      for (const text of world.asideTexts) assert(isPoison(text), `${text} is set aside`);
      const codes = world.program('bad').troubles.map(({ code }) => code);
      if (share > 0.2) assert.deepEqual(codes.slice(0, 1), ['NL-UPLINK-POISON']);
      assert.deepEqual(world.program('good').troubles, []);
    }
  });

const alone = await ahead(async () => {
  const world = new World(['good', 'bad']);
  world.start();
  await world.append('good', 'first');
  await world.append('bad', ...Array.from({ length: 100 }, (_, index) => `bad${index}`));
  for (let second = 0; second < 3_600; second += 5) {
    await world.append('good', `g${second}`);
    await world.pass(5 * SECOND);
  }
  assert(world.setAside.length >= 25, `${world.setAside.length} in an hour`);
  assert(world.hub.sessions.length <= 62, `${world.hub.sessions.length} sessions in an hour`);
});

const told = [await closed(0), await closed(1)] as const;
for (const qos of [1, 0] as const)
  test(
    `a program of QoS ${qos} over whose messages the hub closes: the others are never slower than 30 s for it`,
    told[qos],
  );

test('a program that sends only what the hub closes over: one message a minute or two is set aside', alone);
