import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RollState } from '../../../agent/roll/state.ts';
import { briefly, play, SITUATIONS } from './situations.ts';
import { current } from './standing.ts';

describe('the candidate of the roll that was to cure a refusal by DPS', () => {
  const { next } = play(SITUATIONS['registering-next'], 'refusal');
  assert.ok(next?.is === 'parked');
  const lockedOut: RollState = { ...SITUATIONS.registering, next, rolledFor: current.thumbprint };
  test('is given up once DPS and hub take the current leaf again', () => {
    const back = play(lockedOut, 'current registered', 'current connected');
    assert.equal(briefly(back), 'retiring-key, destroy-key b');
    assert.deepEqual([back.next, back.rolledFor], [undefined, undefined]);
  });
  test('is given up at once where the session never ended', () => {
    const online = play(SITUATIONS.serving, 'current connected').online;
    assert.ok(online);
    assert.equal(briefly(play({ ...lockedOut, online }, 'current registered')), 'retiring-key, destroy-key b');
  });
  for (const [because, state] of [
    ['it is the hub alone that takes the current leaf', { ...SITUATIONS.serving, next, rolledFor: current.thumbprint }],
    ['it was no such roll', { ...SITUATIONS.serving, next: { ...next, trust: 'none' } }],
    [
      'the roll was for a leaf before',
      { ...SITUATIONS.serving, next: { ...next, trust: 'none' }, rolledFor: 'T-before' },
    ],
  ] as const) {
    test(`stays where ${because}`, () => {
      assert.deepEqual(play(state, 'current connected').next, state.next);
    });
  }
});
