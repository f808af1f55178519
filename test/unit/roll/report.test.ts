import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { without } from '../../../agent/roll/core/memory.ts';
import type { Phase } from '../../../agent/roll/phase.ts';
import { iso, presentOf, type ReportOptions, statusOf, twinOf, WORDS } from '../../../agent/roll/report.ts';
import type { RollState } from '../../../agent/roll/state.ts';
import { dueAt } from '../../../agent/roll/terms.ts';
import { again, made, wanted } from './candidates.ts';
import { LATER, NOW, terms } from './machine.ts';
import { made as keyMade, MEMORIES, REFUSAL, SITUATIONS, serving } from './memories.ts';
import { after, standing } from './stage.ts';
import { candidate, current, HOUR, person, rest, waits, waitsFor } from './standing.ts';

const options: ReportOptions = { version: '1.2.3', registrationId: 'gw-1', terms, now: NOW };
const status = (state: RollState, more: Partial<ReportOptions> = {}) => statusOf(state, { ...options, ...more });
/** As the hub gets it: absent and undefined are one. */
const twin = (state: RollState, more: Partial<ReportOptions> = {}): object =>
  JSON.parse(JSON.stringify(twinOf(presentOf(state, { ...options, ...more }), 'newleaf')));

/** A candidate has just been parked. */
const parked = after(
  after(standing(MEMORIES['requesting-leaf']), { kind: 'leaf-issued', leaf: candidate }, 0.5, 'work'),
  { kind: 'failed', effect: { kind: 'register', leaf: candidate }, failure: REFUSAL },
  0.5,
  'work',
).state;

describe('each phase', () => {
  for (const [phase, state] of Object.entries({ ...SITUATIONS, serving: parked }) as [Phase, RollState][]) {
    test(`${phase} is told in words, and by the same name to people and the twin`, () => {
      const told = status(state);
      assert.equal(told.phase, phase);
      assert.equal(told.words, WORDS[phase]);
      assert.match(told.words, /^[a-z].*\w$/);
      assert.equal((twin(state) as { phase: string }).phase, phase);
    });
    test(`${phase}: the twin has nothing that changes by itself`, () => {
      assert.deepEqual(twin(state, { now: NOW + 400 * HOUR }), twin(state));
    });
    test(`${phase}: the status survives JSON, so it has no undefined field and no infinite number`, () => {
      assert.deepEqual(JSON.parse(JSON.stringify(status(state))), status(state));
    });
    test(`${phase}: neither holds a chain, a PIN or a session`, () => {
      const all = JSON.stringify([status(state), twin(state)]);
      assert.doesNotMatch(all, /pem of|budget|T-g0@/);
    });
  }
});

const pemOf = (letter: string, length: number) =>
  `-----BEGIN CERTIFICATE-----\n${letter.repeat(length)}\n-----END CERTIFICATE-----\n`;

test('asked for the certificates, it tells the leaf and the next one, each without its intermediates', () => {
  const told = (length: number, more: Partial<ReportOptions>) => {
    const [mine, next] = [pemOf('A', length), pemOf('B', length)];
    const [leaf, waiting] = [
      { ...current, chain: mine + pemOf('C', 9) },
      { ...candidate, chain: next + pemOf('D', 9) },
    ];
    const state = { ...parked, current: leaf, next: { ...waits, leaf: waiting } };
    const { leaf: own, next: other } = status(state, more);
    return [own?.pem, other?.pem];
  };
  assert.deepEqual(told(2_500, { pem: true }), [pemOf('A', 2_500), pemOf('B', 2_500)]);
  assert.deepEqual(told(2_500, {}), [undefined, undefined]);
  // Two of them stay far below the 128 KB that the hub takes.
  assert.deepEqual(told(40_000, { pem: true }), [undefined, undefined]);
  assert.equal(status({ ...parked, next: wanted('delivery') }, { pem: true }).next?.pem, undefined);
  assert.doesNotMatch(JSON.stringify(twin(parked, { pem: true })), /pem/);
});

test('a stranded gateway asks for its candidate when it asks at all', () => {
  const { probe } = SITUATIONS.stranded;
  assert.equal(status({ ...SITUATIONS.stranded, next: waits }).next?.askAt, iso(probe?.askAt ?? 0));
  assert.equal(status({ ...SITUATIONS.serving, next: waits }).next?.askAt, iso(rest.askAt));
});

describe('when a person is needed', () => {
  const rows: readonly (readonly [why: string, RollState, Partial<ReportOptions>, boolean])[] = [
    ['serving', SITUATIONS.serving, {}, false],
    ['stranded', SITUATIONS.stranded, {}, true],
    ['a candidate is parked', parked, {}, true],
    [
      'a candidate got no answer: only the network must come back',
      { ...parked, next: waitsFor(failure('NL-HUB-CLOSED')) },
      {},
      false,
    ],
    ['a parked candidate is being tried', { ...SITUATIONS['registering-next'], next: again }, {}, true],
    ['a new gateway, and the issuer signs by itself', SITUATIONS.unprovisioned, {}, false],
    [
      'a new gateway, and the issuer waits for a person',
      SITUATIONS.unprovisioned,
      { terms: { ...terms, ...person } },
      true,
    ],
    ['expired, and the issuer signs by itself', SITUATIONS.serving, { now: current.notAfter }, false],
    [
      'expired, and the issuer waits for a person',
      SITUATIONS.serving,
      { now: current.notAfter, terms: { ...terms, ...person } },
      true,
    ],
    [
      'due, and the issuer waits for a person',
      SITUATIONS.serving,
      { now: LATER, terms: { ...terms, ...person } },
      true,
    ],
    ['not due yet, and the issuer waits for a person', SITUATIONS.serving, { terms: { ...terms, ...person } }, false],
    ['in the middle of a roll', SITUATIONS['connecting-next'], {}, false],
  ];
  for (const [why, state, more, expected] of rows) {
    test(`${why} → ${expected}`, () => assert.equal(status(state, more).person, expected));
  }
});

test('where a person brings the leaf, neither trouble nor judgement advises a roll', () => {
  const lost = { ...SITUATIONS.serving, sessionTrouble: { failure: failure('NL-TOKEN-KEY'), at: NOW } };
  const { trouble, wrong } = status(lost, { terms: { ...terms, ...person } });
  for (const told of [trouble, ...wrong]) assert.match(told?.advice ?? '', /`newleaf csr`/);
  assert.match(status(lost).trouble?.advice ?? '', /`newleaf roll --wait`/);
});

describe('the standing of the candidate', () => {
  const rows: readonly (readonly [standing: string, RollState])[] = [
    ['rolling', SITUATIONS['requesting-leaf']],
    ['waiting', { ...SITUATIONS.serving, next: made('delivery') }],
    ['parked', parked],
  ];
  for (const [standing, state] of rows) test(standing, () => assert.equal(status(state).next?.standing, standing));

  test('one that a person has discarded: nothing is told of what it has met, and nothing is expected of it', () => {
    const { next, wrong } = status({
      ...SITUATIONS.abandoning,
      next: { ...without(waits, 'met'), is: 'unwanted', unwanted: 'discarded' },
    });
    assert.deepEqual(
      [next?.standing, next?.unwanted, next?.askAt, next?.trouble],
      ['rolling', 'discarded', undefined, undefined],
    );
    assert.deepEqual(wrong, []);
  });

  const kept: RollState = { ...SITUATIONS.serving, next: made('spare') };
  test('a key that a roll has left for the next one calls no person where the issuer needs none', () => {
    const { next, wrong, person } = status(kept);
    assert.deepEqual([next, wrong, person], [undefined, [], false]);
    const byPerson = status(kept, { terms: { ...terms, automatic: false } });
    assert.deepEqual(
      [byPerson.next?.standing, byPerson.wrong.map(({ code }) => code)],
      ['waiting', ['NL-ISSUER-PERSON']],
    );
  });

  test('asked for its CSR, it waits for a person all the same', () => {
    const { because: _, ...spare } = keyMade();
    const asked = after(standing({ ...serving, next: spare }), {
      kind: 'csr-asked',
      newKey: false,
      from: 'technician',
    });
    assert.deepEqual(asked.state.next, made('delivery'));
    assert.equal(status(asked.state).next?.standing, 'waiting');
  });

  test('parked tells which leaf, how often, what is wrong, and when it is asked for again', () => {
    const { leaf, askAt, refusals, trouble } = status(parked).next ?? {};
    assert.equal(leaf?.thumbprint, candidate.thumbprint);
    assert.equal(askAt, iso(parked.next?.rest?.askAt ?? 0));
    assert.equal(refusals, 1);
    assert.deepEqual(trouble, { code: REFUSAL.code, message: REFUSAL.message, advice: REFUSAL.advice });
  });
});

test('a serving gateway, as the twin has it', () => {
  assert.deepEqual(twin(SITUATIONS.serving), {
    version: '1.2.3',
    phase: 'serving',
    leaf: {
      thumbprint: 'T-g0',
      notAfter: iso(current.notAfter),
      label: 'newleaf-a',
      issuer: 'CA',
      serial: current.serial,
    },
    assignment: { host: 'hub1', deviceId: 'gw-1' },
  });
});

test('a parked candidate, as the twin has it', () => {
  const { next, last } = twin(parked) as Record<string, unknown>;
  assert.deepEqual(next, { thumbprint: 'T-g1', standing: 'parked', code: REFUSAL.code });
  const at = iso(NOW);
  assert.deepEqual(last, { id: 'r', action: 'roll', reason: 'asked', outcome: 'person', code: REFUSAL.code, at });
});

test('the status has the planned moments, and what the clock may not be before', () => {
  const told = status({ ...SITUATIONS.serving, lastSeen: NOW + 1 });
  assert.equal(told.leaf?.renewAt, iso(dueAt(current, terms.renewAt) ?? 0));
  assert.deepEqual(told.clock, { credible: false, floor: iso(NOW + 1) });
  assert.equal(status(SITUATIONS.serving, { terms: { ...terms, renewAt: 'off' } }).leaf?.renewAt, undefined);
});

test('the newest outcome is the last, and trail and outcomes have moments that people can read', () => {
  const told = status(parked);
  assert.deepEqual(told.last, told.outcomes[0]);
  assert.match(told.trail[0]?.at ?? '', /^\d{4}-\d\d-\d\dT/);
  assert.equal(told.last?.advice, REFUSAL.advice);
});
