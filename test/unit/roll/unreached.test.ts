import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { advance } from '../../../agent/roll/advance.ts';
import { leafIn } from '../../../agent/roll/candidate.ts';
import { isWorthAsking } from '../../../agent/roll/look.ts';
import { without } from '../../../agent/roll/moves.ts';
import type { Signal } from '../../../agent/roll/signal.ts';
import type { RollState } from '../../../agent/roll/state.ts';
import { again, met } from './candidates.ts';
import { NOW, terms } from './machine.ts';
import { briefly, EVENTS, play, SITUATIONS, times } from './situations.ts';
import { asked, candidate, current, due, request, table } from './standing.ts';

const unreached: Signal = { kind: 'unreached' };
const silent = failure('NL-HUB-UNREACHABLE');

describe('when a hub that does not answer is worth a question to DPS', () => {
  const worth = (serial: string, least: number, most: number) =>
    Array.from({ length: most - least }, (_, index) => least + index).filter((tries) => isWorthAsking(tries, serial));
  test('never in the first quarter of an hour', () => {
    for (let serial = 0; serial < 200; serial += 1) assert.deepEqual(worth(`${serial}`, 0, 20), []);
  });
  test('once in the next one, by leaf: a fleet is spread', () => {
    const moments = Array.from({ length: 200 }, (_, serial) =>
      worth(createHash('sha1').update(`${serial}`).digest('hex'), 20, 35),
    );
    assert.ok(moments.every(({ length }) => length === 1));
    assert.equal(new Set(moments.flat()).size, 15);
  });
  test('then once an hour', () => {
    const [first = 0, ...others] = worth('7', 20, 180);
    assert.deepEqual(others, [first + 60, first + 120]);
  });
});

const waiting: Partial<RollState> = { request: request('re-register'), sessionTrouble: met(silent) };
table('a hub that does not answer', [
  ['asks DPS', unreached, {}, 'unreached: re-register'],
  ['with a candidate to prove, too', unreached, { phase: 'connecting-next' }, 'unreached: re-register'],
  ['a registration is under way', unreached, { phase: 'registering' }, 'single-flight: ignore'],
  [
    'a roll waits for its issuer',
    unreached,
    { phase: 'requesting-leaf', request: request('roll') },
    'unreached: re-register',
  ],
  ['it is free of charge', unreached, { budget: { left: 0, at: 0 } }, 'unreached: re-register'],
]);

table('a re-registration whose hub does not answer makes room', [
  ['for another', asked('re-register'), waiting, 'asked: re-register'],
  ['for a roll', asked('roll'), waiting, 'asked: roll'],
  ['for a leaf that is due', due, waiting, 'due: roll'],
  ['for the question where we belong', unreached, waiting, 'unreached: re-register'],
  ['but not while the session is open', asked('roll'), { ...waiting, online: 'T@hub1' }, 'single-flight: ignore'],
  [
    'nor where the hub refuses',
    asked('roll'),
    { ...waiting, sessionTrouble: met(failure('NL-HUB-REJECTED')) },
    'single-flight: ignore',
  ],
]);

describe('what was asked has failed when it makes room', () => {
  for (const [name, reason] of [
    ['roll', 'asked'],
    ['woken later', 'due'],
    ['leaf delivered for the current key', 'asked'],
  ] as const) {
    test(`for ${name}`, () => {
      const after = play({ ...without(SITUATIONS.serving, 'online'), ...waiting }, name);
      assert.deepEqual([after.outcomes[0]?.outcome, after.outcomes[0]?.failure?.code], ['failed', silent.code]);
      assert.deepEqual([after.request?.action, after.request?.reason], ['roll', reason]);
    });
  }
});

describe('the candidate whose hub does not answer', () => {
  test('is registered again, and only counts its own attempts', () => {
    const proving: RollState = { ...SITUATIONS['connecting-next'], unreached: 0 };
    const effect = { kind: 'connect', leaf: current, assignment: { hub: 'hub1', deviceId: 'gw-1' } } as const;
    const other = advance(proving, { at: 0, draw: 0.5, kind: 'failed', effect, failure: silent }, terms);
    assert.equal(other.state.unreached, 0);
    const moment = times(60, 'outage').findIndex((_, tries) => isWorthAsking(tries, candidate.serial));
    assert.equal(briefly(play(proving, ...times(moment - 1, 'outage'))), 'connecting-next, connect b');
    const again = play(proving, ...times(moment, 'outage'));
    assert.equal(briefly(again), 'registering-next, register b');
    assert.deepEqual(leafIn(again.next), candidate);
    const found = EVENTS['next registered']?.(again);
    assert.ok(found);
    assert.equal(briefly(advance(again, found, terms).state), 'connecting-next, connect b');
  });
  test('and was parked: it begins to count anew', () => {
    const asks: RollState = { ...SITUATIONS['registering-next'], unreached: 19 };
    assert.equal(play({ ...asks, next: again }, 'next registered').unreached, 0);
    assert.equal(play(asks, 'next registered').unreached, 19);
  });
  test('asks for another hub, as well, when a request that was planned begins: the roll before it has ended', () => {
    const stuck = play(without(SITUATIONS['connecting-next'], 'online'), 'outage');
    const scheduled = { ...request('re-register', 'method'), id: 'planned', startAt: NOW };
    const begun = play({ ...stuck, scheduled }, 'woken');
    assert.equal(briefly(begun), 'registering-next, register b, connect a');
    assert.deepEqual([begun.request?.id, begun.scheduled], ['planned', undefined]);
    assert.deepEqual([begun.outcomes[0]?.id, begun.outcomes[0]?.outcome], ['r', 'kept']);
  });
});
