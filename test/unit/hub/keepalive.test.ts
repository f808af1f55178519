import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Code, Fault } from '../../../agent/failure/failure.ts';
import { type IdleKnown, Keepalive, LEAST_PING_MS, learn } from '../../../agent/hub/keepalive.ts';
import { type Quiet, USUAL } from '../../../agent/mqtt/pings.ts';

const S = 1_000;
const DAY = 86_400 * S;

/** A box ends the session after so much silence, in seconds. */
const ends = (idleS: number, outlivedS = 0): Quiet => ({
  idleMs: idleS * S,
  isUnanswered: false,
  outlivedMs: outlivedS * S,
});
/** What was sent after so much silence has no answer. */
const forgets = (idleS: number, outlivedS = 0): Quiet => ({ ...ends(idleS, outlivedS), isUnanswered: true });

const knows = (pingS: number, limitS?: number, suspectS?: number, isUnanswered = false): IdleKnown => ({
  pingMs: pingS * S,
  ...(limitS !== undefined && { limit: { ms: limitS * S, at: 0, isUnanswered } }),
  ...(suspectS !== undefined && { suspect: suspectS * S }),
});
/** Found by pings that had no answer. */
const bounds = (pingS: number, limitS: number, suspectS?: number) => knows(pingS, limitS, suspectS, true);
const fresh = knows(180);

const ROWS: readonly (readonly [what: string, before: IdleKnown, end: Quiet, found: string, after: IdleKnown])[] = [
  ['the first end in silence is a guess', fresh, ends(25), 'nothing', knows(180, undefined, 25)],
  ['the second one is no more', knows(180, undefined, 25), ends(25), 'shorter', knows(18.75, 25)],
  ['as the timers of boxes are coarse', knows(180, undefined, 70), ends(64), 'shorter', knows(48, 64)],
  ['another silence is another guess', knows(180, undefined, 70), ends(50), 'nothing', knows(180, undefined, 50)],
  ['a session that outlived such a silence', knows(180, undefined, 90), ends(90, 180), 'nothing', fresh],
  ['nor is an end among packets', knows(180, undefined, 25), ends(0.2), 'nothing', fresh],
  ['below the least time it is another device', knows(180, undefined, 4), ends(4), 'nothing', fresh],
  ['a limit just below the keepalive', knows(180, undefined, 170), ends(170), 'shorter', knows(127.5, 170)],
  ['a limit near the least time', knows(180, undefined, 6), ends(6), 'shorter', knows(5, 6)],
  [
    'the first ping without an answer: an outage does that, too',
    fresh,
    forgets(180),
    'nothing',
    knows(180, undefined, 180),
  ],
  ['the second: the limit is anywhere below', knows(180, undefined, 180), forgets(180), 'shorter', bounds(90, 180)],
  ['and then each tells', bounds(90, 180), forgets(90), 'shorter', bounds(45, 90)],
  [
    'where the limit is known, each is a guess again',
    knows(18.75, 25),
    forgets(18.75),
    'nothing',
    knows(18.75, 25, 18.75),
  ],
  ['unless an earlier one had its answer', bounds(45, 90), forgets(45, 45), 'nothing', bounds(45, 90)],
  ['an end before the ping is a guess also then', bounds(90, 180), ends(60), 'nothing', bounds(90, 180, 60)],
  ['the least time does not help, once', bounds(5, 10), forgets(5), 'nothing', bounds(5, 10, 5)],
  ['twice: it is helpless', bounds(5, 10, 5), forgets(5), 'helpless', bounds(5, 5, 5)],
  ['and so at each further end', bounds(5, 5, 5), forgets(5), 'helpless', bounds(5, 5, 5)],
];

for (const [what, before, end, found, after] of ROWS) {
  test(`${what}: ${found}`, () => {
    assert.deepEqual(learn(before, end, LEAST_PING_MS, 0), [after, found]);
  });
}

/** The ends of sessions, one after the other. @param world how the session goes that pings every so many seconds */
function sessions(world: (pingS: number, round: number) => Quiet | undefined, most = 20) {
  let now = 0;
  const keepalive = new Keepalive(180 * S, () => now);
  const codes: (string | undefined)[] = [];
  for (let round = 0; round < most; round += 1) {
    const { everyMs } = keepalive.begin();
    const end = world(everyMs / S, round);
    if (end === undefined) return { codes, everyS: everyMs / S };
    now += 300 * S;
    codes.push(keepalive.ended(end)?.code);
  }
  return { codes, everyS: undefined };
}

describe('a box that ends idle connections', () => {
  for (const limit of [8, 10, 25, 70, 170, 179]) {
    test(`after ${limit} s: the third session stays`, () => {
      const { codes, everyS = 0 } = sessions((pingS) => (pingS < limit ? undefined : ends(limit)));
      assert.deepEqual(codes, [undefined, 'NL-NETWORK-IDLE']);
      assert.ok(everyS <= 0.75 * limit && everyS >= 5);
    });
    test(`without a word, after ${limit} s: a session stays after ${Math.ceil(Math.log2(180 / limit)) + 2} at most`, () => {
      const { codes, everyS } = sessions((pingS) => (pingS < limit ? undefined : forgets(pingS)));
      assert.ok(everyS !== undefined && everyS < limit);
      assert.ok(codes.length <= Math.ceil(Math.log2(180 / limit)) + 2, `${codes.length} sessions`);
    });
  }
  test('before any ping: that is said, with a rest of a quarter of an hour', () => {
    const { codes } = sessions((pingS) => forgets(pingS));
    assert.deepEqual(codes.slice(-10), Array(10).fill('NL-NETWORK-IDLE'));
    const keepalive = new Keepalive(5 * S, () => 0);
    keepalive.ended(forgets(5));
    const { message, retryAfterMs } = keepalive.ended(forgets(5)) ?? {};
    assert.match(String(message), /are idle for 5 s, although newleaf pings every 5 s, and not more often\.$/);
    assert.equal(retryAfterMs, 900 * S);
  });
});

describe('no box', () => {
  /** Another client throws us out so many seconds after CONNACK, whatever is said. */
  const stolen = (ageS: number, pingS: number): Quiet => (ageS < pingS ? ends(ageS) : ends(ageS % pingS, pingS));

  for (const age of [0.5, 3, 6, 10, 30, 59]) {
    test(`another client that comes back each ${age} s: at most the second end is taken for a box`, () => {
      const { codes } = sessions((pingS) => stolen(age, pingS));
      assert.deepEqual(
        codes.filter((code, round) => code !== undefined && round !== 1),
        [],
      );
    });
  }
  test('another client that comes at any moment', () => {
    const ages = [12, 40, 3, 55, 20, 44, 7, 31, 18, 58, 9, 26, 50, 14, 37];
    const { codes } = sessions((pingS, round) => stolen(ages[round % ages.length] ?? 0, pingS));
    assert.deepEqual(codes.filter(Boolean), []);
  });
  const afterFailures = (code: Code) => {
    const keepalive = new Keepalive();
    for (let round = 0; round < 2; round += 1) {
      keepalive.ended(forgets(180));
      assert.throws(() => keepalive.failed(new Fault(code)), { message: /NL-/ });
    }
    return keepalive.begin().everyMs / S;
  };
  test('a network that is lost: the hub is not reached in between', () => {
    assert.equal(afterFailures('NL-HUB-UNREACHABLE'), 180);
    assert.equal(afterFailures('NL-NETWORK-PROXY'), 180);
  });
  test('a refusal in between is an answer of the hub', () => assert.equal(afterFailures('NL-HUB-REJECTED'), 90));
});

test('the keepalive is the setting, CONNECT always has that, and status says what was found', () => {
  let now = 0;
  const keepalive = new Keepalive(120 * S, () => now);
  assert.deepEqual(keepalive.begin(), { promisedMs: 120 * S, everyMs: 120 * S, answerMs: 60 * S });
  assert.deepEqual(keepalive.told, { seconds: 120 });
  keepalive.ended(ends(25));
  const found = keepalive.ended(ends(25));
  assert.match(String(found?.message), /that are idle for 25 s, so from now on newleaf pings every 19 s\.$/);
  assert.equal(found?.retryAfterMs, undefined);
  assert.deepEqual(keepalive.told, { seconds: 19, idleLimitSeconds: 25 });
  assert.deepEqual(keepalive.begin(), { promisedMs: 120 * S, everyMs: 18_750, answerMs: 60 * S });
  now = DAY - 1;
  assert.equal(keepalive.begin().everyMs, 18_750);
  now = DAY;
  assert.equal(keepalive.begin().everyMs, 120 * S, 'a day later it is tried without');
  assert.deepEqual(keepalive.told, { seconds: 120 });
});

test('a half-open session is noticed within five minutes', () => {
  assert.ok(USUAL.everyMs + USUAL.answerMs <= 300 * S);
});
