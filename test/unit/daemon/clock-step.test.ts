import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import { answer, made } from '../roll/memories.ts';
import { DAY, Disk, gateway, HOUR, MINUTE, serving } from './gateway.ts';

const registering = { ...serving, answers: { 'connect current': answer('refused', 'NL-HUB-REJECTED') } };

/** A gateway that is to register, and whose DPS answers so. */
const failing = (t: TestContext, answer: Fault) =>
  gateway(t, new Disk(registering), { register: () => Promise.reject(answer) });

for (const [what, failure, most] of [
  ['what DPS asked for', new Fault('NL-DPS-THROTTLED', { retryAfterMs: 10 * MINUTE }), 7],
  ['the pauses of a ladder more than once', new Fault('NL-DPS-SERVER'), 8],
] as const) {
  test(`a clock that steps each minute does not cut short ${what}`, async (t) => {
    const { clock, counts } = await failing(t, failure);
    for (let minute = 0; minute < 60; minute += 1) {
      clock.step(minute % 2 ? 6_000 : -6_000);
      await clock.pass(MINUTE);
    }
    assert.ok(counts.register <= most, `${counts.register} registrations in an hour`);
  });
}

test('a clock that is set ends the pause of what may have failed for the clock alone', async (t) => {
  const { clock, counts } = await failing(t, new Fault('NL-DPS-UNTRUSTED'));
  await clock.pass(2 * HOUR);
  const before = counts.register;
  clock.step(HOUR);
  await clock.pass(MINUTE);
  assert.ok(counts.register > before);
});

test('what DPS asked for is waited for, however far the clock is set', async (t) => {
  const { clock, counts } = await failing(t, new Fault('NL-DPS-THROTTLED', { retryAfterMs: HOUR }));
  clock.step(10 * HOUR);
  await clock.pass(HOUR / 2);
  assert.equal(counts.register, 1);
});

test('within an hour of a step only a far larger one ends pauses; after it any does', async (t) => {
  const { clock, counts } = await failing(t, new Fault('NL-DPS-SERVER'));
  await clock.pass(3 * HOUR);
  const isAnswered = async (stepMs: number) => {
    const before = counts.register;
    clock.step(stepMs);
    await clock.pass(MINUTE);
    return counts.register > before;
  };
  assert.equal(await isAnswered(6_000), true);
  assert.equal(await isAnswered(-6_000), false);
  assert.equal(await isAnswered(HOUR), true);
  assert.equal(await isAnswered(HOUR), false);
  await clock.pass(HOUR / 2);
  assert.equal(await isAnswered(-HOUR), false);
  await clock.pass(HOUR / 2);
  assert.equal(await isAnswered(6_000), true);
});

test('a leaf that is not valid yet is judged again as soon as the clock is set', async (t) => {
  const requesting = { ...serving, next: made() };
  let judged = 0;
  const { clock } = await gateway(t, new Disk(requesting), {
    async judge() {
      judged += 1;
      throw new Fault('NL-LEAF-NOT-YET', { retryAfterMs: HOUR });
    },
  });
  await clock.pass(HOUR / 2);
  assert.equal(judged, 1);
  clock.step(HOUR);
  await clock.pass(MINUTE);
  assert.equal(judged, 2);
});

for (const [code, isOver] of [
  ['NL-HUB-UNTRUSTED', true],
  ['NL-HUB-UNREACHABLE', false],
] as const) {
  test(`${code} ${isOver ? 'may be over when' : 'has nothing to do with it that'} the clock is set`, async (t) => {
    const connect = () => Promise.reject(new Fault(code));
    const { clock, status } = await gateway(t, new Disk(serving), { connect });
    clock.step(HOUR);
    assert.equal((await status()).trouble?.code, isOver ? undefined : code);
  });
}

test('a clock that is ahead is logged once, and nothing is said of it any more as soon as it is set right', async (t) => {
  let isAhead = false;
  const expired = (code: 'NL-HUB-UNTRUSTED' | 'NL-EST-UNTRUSTED', cause: string) => {
    if (isAhead) throw new Fault(code, { cause });
  };
  const { clock, status, lose, told } = await gateway(t, new Disk(serving), {
    connect: async () => expired('NL-HUB-UNTRUSTED', 'CERT_HAS_EXPIRED'),
    async issue() {
      expired('NL-EST-UNTRUSTED', 'certificate has expired');
      return 'chain';
    },
  });
  const codes = async () => (await status()).wrong.map(({ code }) => code);
  assert.deepEqual(await codes(), []);
  isAhead = true;
  clock.step(800 * DAY);
  await lose();
  await clock.pass(HOUR);
  assert.deepEqual(await codes(), ['NL-CLOCK', 'NL-LEAF-EXPIRED']);
  assert.equal(told('clock-wrong').length, 1);
  clock.step(-800 * DAY);
  assert.deepEqual(await codes(), [], 'before the daemon has looked at its clock');
});

test('a clock that was ahead when the hub was reached, and is set right while the session is open, is not said to be wrong', async (t) => {
  const { clock, daemon, lose, status } = await gateway(t, new Disk(serving));
  clock.step(60 * DAY);
  await lose();
  await clock.pass(MINUTE);
  clock.step(-60 * DAY);
  await clock.pass(2 * MINUTE);
  assert.deepEqual((await status()).wrong, []);
  assert.notEqual(daemon.state.online, undefined);
});
