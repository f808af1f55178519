import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { advance } from '../../../agent/roll/advance.ts';
import { GRACE_REFUSALS } from '../../../agent/roll/backoff.ts';
import { restOf } from '../../../agent/roll/candidate.ts';
import { effectsOf, type RollState } from '../../../agent/roll/state.ts';
import { assigned, made, wanted } from './candidates.ts';
import { NOW, terms } from './machine.ts';
import { briefly, EVENTS, play, SITUATIONS } from './situations.ts';
import { candidate, current, request, waits } from './standing.ts';

const now = { at: NOW, draw: 0.5 } as const;
const { serving } = SITUATIONS;

describe('a leaf that somebody brings', () => {
  const waiting: RollState = { ...serving, next: made('delivery') };
  test('for the CSR that is out is rolled to', () => {
    const after = play(waiting, 'leaf delivered');
    assert.equal(briefly(after), 'registering-next, register b');
    assert.deepEqual(after.next, { is: 'sent', leaf: candidate, from: 'person', tries: 0 });
    assert.equal(after.request?.id, 'r');
  });
  test('takes the place of an older one for the same key', () => {
    const parked = play(SITUATIONS['registering-next'], 'refusal');
    assert.deepEqual(restOf(play(parked, 'leaf delivered').next), undefined);
  });
  test('serves the roll that waits for its issuer', () => {
    const { request: served } = play(SITUATIONS['requesting-leaf'], 'leaf delivered');
    assert.deepEqual(served, SITUATIONS['requesting-leaf'].request);
  });
  test('for the current key frees that of a candidate which DPS never heard of', () => {
    const after = play(waiting, 'leaf delivered for the current key');
    assert.equal(briefly(after), 'registering-next, register a');
    assert.deepEqual(after.retire, [{ slot: 'b', id: 'g1', is: 'pending', tries: 0 }]);
  });
  test('for the current key leaves that of a candidate which DPS may trust', () => {
    const parked = play(SITUATIONS['registering-next'], 'refusal');
    const after = play(parked, 'leaf delivered for the current key');
    assert.deepEqual(after.retire, [{ slot: 'b', id: 'g1', is: 'remembered' }], 'known, and not destroyed');
    const { retire, phase } = play(after, 'started');
    assert.deepEqual([retire, phase], [after.retire, 'registering-next']);
  });
  test('for the current key leaves that of one which was parked without an answer', () => {
    const silent: RollState = { ...serving, next: { ...waits, trust: 'possible' } };
    const { retire } = play(silent, 'leaf delivered for the current key');
    assert.deepEqual(retire, [{ slot: 'b', id: 'g1', is: 'remembered' }]);
  });
  test('and is the current one already is done', () => {
    const same = { ...serving, current: candidate };
    const { outcomes, ...after } = play(same, 'leaf delivered');
    assert.equal(outcomes[0]?.outcome, 'done');
    assert.deepEqual({ ...after, outcomes: [] }, same);
  });
  test('is not one that an issuer brings late: no roll waits for it', () => {
    for (const next of [made('delivery'), made('spare')]) {
      const state: RollState = { ...serving, next };
      assert.deepEqual(play(state, 'leaf issued'), state);
    }
  });
  test('for a key that was given up meanwhile is refused', () => {
    const { outcomes, phase } = play(serving, 'leaf delivered');
    assert.deepEqual([phase, outcomes[0]?.outcome, outcomes[0]?.failure?.code], ['serving', 'failed', 'NL-LEAF-KEY']);
  });
});

describe('a key that is kept', () => {
  const renewed = { ...current, thumbprint: 'T-renewed' };
  const proving: RollState = {
    ...SITUATIONS['connecting-next'],
    next: assigned(renewed),
  };
  const failed = (code: 'NL-ISSUER-NEW-KEY', state: RollState) => {
    const [effect] = effectsOf(state);
    assert.ok(effect);
    return advance(state, { ...now, kind: 'failed', effect, failure: failure(code) }, terms).state;
  };
  test('takes the place of one that was wanted, which the token may have made: that is known, and the ladder goes on', () => {
    const asked = { ...now, kind: 'asked', request: request('roll'), delayMs: 0, discard: false } as const;
    const renewing = (state: RollState) => advance(state, asked, { ...terms, keepKey: true }).state;
    const waiting: RollState = { ...serving, next: { ...wanted('spare'), tries: 2 } };
    const { next, retire } = renewing(waiting);
    assert.deepEqual(next, { ...made('roll', current.key), tries: 2 });
    assert.deepEqual(retire, [{ slot: 'b', id: 'g1', is: 'remembered' }]);
    const other = [{ slot: 'b', id: 'g7', is: 'remembered' }] as const;
    assert.deepEqual(renewing({ ...waiting, retire: other }).retire, other, 'it was not made beside another');
  });
  test('takes that place for a CSR as well', () => {
    const asked = { ...now, kind: 'csr-asked', newKey: false, sameKey: true, from: 'technician' } as const;
    const unmade: RollState = { ...serving, next: wanted('spare') };
    const { next, retire } = advance(unmade, asked, { ...terms, keepKey: true }).state;
    assert.deepEqual(next, made('delivery', current.key));
    assert.deepEqual(retire, [{ slot: 'b', id: 'g1', is: 'remembered' }]);
  });
  test('is not destroyed when its next leaf is proven', () => {
    const event = EVENTS['current connected']?.(proving);
    assert.ok(event?.kind === 'connected');
    const after = advance(proving, { ...event, thumbprint: renewed.thumbprint }, terms).state;
    assert.deepEqual([briefly(after), after.retire, after.current], ['serving', [], renewed]);
  });
  test('is not destroyed when its next leaf is abandoned', () => {
    const refused = play({ ...proving, grace: GRACE_REFUSALS - 1, rejected: false }, 'refusal');
    assert.equal(briefly(refused), 'abandoning, register a');
    const back = play(refused, 'current registered');
    assert.deepEqual([briefly(back), back.retire, back.next], ['serving', [], undefined]);
  });
  test('a new key that the issuer refuses to sign again makes room for another, once', () => {
    const fresh = failed('NL-ISSUER-NEW-KEY', { ...SITUATIONS['requesting-leaf'], next: { ...made(), tries: 2 } });
    assert.equal(briefly(fresh), 'retiring-key, destroy-key b');
    assert.ok(fresh.next?.is === 'key-wanted');
    const { id, ...others } = fresh.next;
    assert.notEqual(id, candidate.key.id);
    assert.deepEqual(others, { is: 'key-wanted', slot: 'b', for: 'roll', tries: 2, isSecond: true });
    const again = failed('NL-ISSUER-NEW-KEY', {
      ...SITUATIONS['requesting-leaf'],
      next: { ...made('roll', { slot: 'b', id: 'g2' }), isSecond: true },
    });
    assert.deepEqual(
      [again.phase, again.next?.tries, restOf(again.next)?.failure.code],
      ['serving', 1, 'NL-ISSUER-NEW-KEY'],
    );
  });
  const trusted = (slot: 'a' | 'b') => ({ ...made('roll', { slot, id: 'g1' }), isKeyTrusted: true }) as const;
  const { current: _, assignment: _assignment, online: _online, ...leafless } = SITUATIONS['requesting-leaf'];
  test('one that DPS may trust is kept where there is no way back, and the next has the other slot', () => {
    const other = failed('NL-ISSUER-NEW-KEY', { ...leafless, next: trusted('a') });
    assert.equal(briefly(other), 'generating-key, generate-key b');
    assert.deepEqual(other.retire, [{ slot: 'a', id: 'g1', is: 'remembered' }]);
    const started = advance(other, { ...now, kind: 'started' }, terms).state;
    assert.deepEqual(started.retire, other.retire, 'also by the next process');
  });
  test('it makes room where the other slot has the key of a leaf that has ended, and stays while there is a way back', () => {
    const way: RollState = { ...SITUATIONS['requesting-leaf'], next: trusted('b') };
    assert.deepEqual(failed('NL-ISSUER-NEW-KEY', way).retire, []);
    const ended = failed('NL-ISSUER-NEW-KEY', { ...way, current: { ...current, notAfter: NOW } });
    assert.equal(briefly(ended), 'retiring-key, destroy-key b');
    assert.equal(ended.next?.is, 'key-wanted');
  });
  test('but the key of the current leaf is not given up for that: its candidate is parked', () => {
    const state: RollState = { ...SITUATIONS['requesting-leaf'], next: made('roll', current.key) };
    const after = failed('NL-ISSUER-NEW-KEY', state);
    assert.ok(after.next?.is === 'key-made');
    assert.deepEqual([after.phase, after.next.key, after.next.tries], ['serving', current.key, 1]);
    assert.equal(after.next.rest?.failure.code, 'NL-ISSUER-NEW-KEY');
  });
});

test('a CSR for the key of the current leaf, and leaf.rotate_key is changed: a roll makes another key', () => {
  const { serving } = SITUATIONS;
  const kept: RollState = { ...serving, next: { is: 'key-made', key: current.key, for: 'delivery', tries: 0 } };
  assert.equal(briefly(play(kept, 'roll')), 'generating-key, generate-key b');
});
