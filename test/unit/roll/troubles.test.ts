import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import type { KeyWanted } from '../../../agent/roll/candidate.ts';
import { placeOf } from '../../../agent/roll/leaf.ts';
import type { RollEffect, RollEvent, RollState } from '../../../agent/roll/state.ts';
import { withoutPast, withTroubles } from '../../../agent/roll/troubles.ts';
import { inTheWay } from '../../../agent/roll/undestroyed.ts';
import { made, met } from './candidates.ts';
import { hub, NOW, terms } from './machine.ts';
import { OUTAGE, play, REFUSAL, SITUATIONS } from './situations.ts';
import { candidate, current, HOUR, request, waits } from './standing.ts';

const later = { at: NOW + HOUR, draw: 0.5 } as const;
/** Met before, and not passed. */
const old = { workTrouble: met(failure('NL-EST-UNREACHABLE')), sessionTrouble: met(failure('NL-HUB-CLOSED')) };
const kept = ['NL-EST-UNREACHABLE', 'NL-HUB-CLOSED'] as const;

const failed = (effect: RollEffect, why = OUTAGE): RollEvent => ({ ...later, kind: 'failed', effect, failure: why });
const connect = (leaf = current): RollEffect => ({ kind: 'connect', leaf, assignment: hub });
const connected = (leaf = current): RollEvent => ({
  ...later,
  kind: 'connected',
  thumbprint: leaf.thumbprint,
  hub: placeOf(hub),
});
const lost: RollEvent = {
  ...later,
  kind: 'lost',
  thumbprint: current.thumbprint,
  heldMs: 1,
  failure: failure('NL-HUB-LOST'),
};
const registered: RollEvent = {
  ...later,
  kind: 'registered',
  thumbprint: current.thumbprint,
  assignment: hub,
  as: terms.registered,
};
const { serving, registering } = SITUATIONS;
const { next: _, ...gone } = { ...serving, next: waits };

interface Row {
  readonly before?: RollState;
  readonly after?: RollState;
  readonly retry?: ReturnType<typeof failure>;
}

const ROWS: readonly (readonly [
  what: string,
  RollEvent,
  Row,
  work: string | undefined,
  session: string | undefined,
])[] = [
  ['an effect of the work fails', failed({ kind: 'register', leaf: current }), {}, OUTAGE.code, kept[1]],
  ['the token makes no key', failed({ kind: 'generate-key', slot: 'b', id: 'g1' }), {}, OUTAGE.code, kept[1]],
  ['the hub refuses the candidate', failed(connect(candidate), REFUSAL), {}, REFUSAL.code, kept[1]],

  ['an effect of the work ends well: a registration', registered, {}, undefined, kept[1]],
  ['a key is made', { ...later, kind: 'key-generated', key: candidate.key }, {}, undefined, kept[1]],
  ['a leaf is issued', { ...later, kind: 'leaf-issued', leaf: candidate }, {}, undefined, kept[1]],
  ['a key is destroyed', { ...later, kind: 'key-destroyed', id: 'g9' }, {}, undefined, kept[1]],
  [
    'the candidate of the trouble is gone',
    { ...later, kind: 'woken' },
    { before: { ...serving, next: waits }, after: gone },
    undefined,
    kept[1],
  ],
  [
    'a candidate without a leaf is no such one',
    { ...later, kind: 'woken' },
    { before: { ...serving, next: made() }, after: gone },
    ...kept,
  ],

  ['the session is refused', failed(connect(), REFUSAL), {}, kept[0], REFUSAL.code],
  ['the session is not reached', failed(connect()), {}, kept[0], OUTAGE.code],

  ['it ends again and again', lost, { retry: failure('NL-HUB-FLAPPING') }, kept[0], 'NL-HUB-FLAPPING'],
  ['it ends once', lost, {}, ...kept],
  ['it ends twice: it is tried again a little later', lost, { retry: lost.failure }, ...kept],

  ['the hub accepts the current leaf, and no work is left', connected(), {}, undefined, undefined],
  ['it does while work is in flight', connected(), { after: registering }, kept[0], undefined],
  ['it does, and the gateway is stranded', connected(), { after: SITUATIONS.stranded }, undefined, undefined],
  [
    'the hub accepts the candidate: the work has ended well',
    connected(candidate),
    { after: SITUATIONS['retiring-key'] },
    undefined,
    undefined,
  ],

  ['time passes', { ...later, kind: 'woken' }, {}, ...kept],
];

describe('what hinders the work, and what hinders the session', () => {
  for (const [what, event, { before = serving, after = before, retry }, work, session] of ROWS) {
    test(`${what} → work: ${work}, session: ${session}`, () => {
      const got = withTroubles(
        { ...before, ...old },
        { ...after, ...old },
        event,
        retry === undefined ? {} : { retry },
      );
      assert.deepEqual([got.workTrouble?.failure.code, got.sessionTrouble?.failure.code], [work, session]);
    });
  }

  test('each has the moment when it was met last, and the request that was in flight then', () => {
    const asking: RollState = { ...registering, request: request('re-register') };
    const { request: _, ...ended } = asking;
    const event = failed({ kind: 'register', leaf: current }, REFUSAL);
    assert.deepEqual(withTroubles(asking, ended, event).workTrouble, {
      failure: REFUSAL,
      at: NOW + HOUR,
      request: 'r',
    });
    assert.deepEqual(withTroubles(serving, serving, failed(connect())).sessionTrouble, {
      failure: OUTAGE,
      at: NOW + HOUR,
    });
  });

  test('nothing else of the state is changed', () => {
    for (const [, event, { before = serving, after = before, retry }] of ROWS) {
      const {
        workTrouble: _,
        sessionTrouble: _session,
        ...others
      } = withTroubles(before, { ...after, ...old }, event, retry === undefined ? {} : { retry });
      assert.deepEqual(others, after);
    }
  });
});

describe('what a request has met once is told for an hour', () => {
  const told: RollState = { ...serving, workTrouble: met(REFUSAL) };
  const asked = { ...request('re-register'), outcome: 'kept', endedAt: NOW } as const;
  const { online: _, ...offline } = told;
  for (const [what, state, at, isTold] of [
    ['the hour is not over', told, NOW + HOUR - 1, true],
    ['it is', told, NOW + HOUR, false],
    ['another request is in flight', { ...told, request: request('roll') }, NOW + HOUR, true],
    ['the candidate is asked for again', { ...told, next: waits }, NOW + HOUR, true],
    [
      'the configuration asks for it each hour',
      { ...told, outcomes: [{ ...asked, reason: 'configuration' }] },
      NOW + HOUR,
      true,
    ],
    ['no session says that all is well', offline, NOW + HOUR, true],
  ] as const)
    test(`${what}: ${isTold ? 'it is told' : 'it is over'}`, () => {
      const { workTrouble } = withoutPast(state, at);
      assert.equal(workTrouble !== undefined, isTold);
    });
});

test('of a roll that makes room for another request nothing is told any more', () => {
  const refused = failure('NL-EST-REFUSED');
  const rolling = SITUATIONS['requesting-leaf'];
  const stuck: RollState = { ...rolling, next: { ...made(), last: refused }, workTrouble: met(OUTAGE) };
  assert.deepEqual(play(stuck, 're-register').next, { ...made('spare') });
});

test('a key in the place of the next one: who waits for a CSR is told to ask again, the others when the leaf is renewed', () => {
  const met = failure('NL-TOKEN-FAILED');
  const [roll, csr] = (['roll', 'csr'] as const).map((purpose) =>
    inTheWay({ for: purpose } as KeyWanted, { slot: 'a', id: '01' }, met),
  );
  for (const text of [roll?.advice, roll?.byPerson])
    assert.match(text ?? '', /half-way between its renewal and its end/);
  assert.equal(csr?.advice, "Destroy it with the tool of the token's vendor, then `newleaf csr`.");
});
