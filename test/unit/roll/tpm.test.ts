import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { advance } from '../../../agent/roll/advance.ts';
import { endorsed } from '../../../agent/roll/leaf.ts';
import { lineOf, presentOf, statusOf, twinOf, wordsOf } from '../../../agent/roll/report.ts';
import { type RollEvent, type RollState, unprovisioned } from '../../../agent/roll/state.ts';
import type { Terms } from '../../../agent/roll/terms.ts';
import { NOW, terms as ordinary } from './machine.ts';
import { asked, notEnrolled, rejected, table } from './standing.ts';

const MINUTE = 60_000;
const EK = 'E'.repeat(64);
const tpm = endorsed('gw-1', EK);
const terms: Terms = { ...ordinary, attestation: 'tpm', automatic: false, renewAt: 'off' };
const base: RollState = { ...unprovisioned, current: tpm, phase: 'serving', budget: { left: 5, at: NOW } };
const assigned: RollState = { ...base, assignment: { hub: 'hub-1', deviceId: 'gw-1', key: 'k1' } };

table('a gateway that attests by its TPM', [
  ['a roll is a registration', asked('roll'), { base: assigned, terms }, 'asked: re-register'],
  ['by method as well', asked('roll', 'method'), { base: assigned, terms }, 'asked: re-register'],
  ['the hub refuses its key', rejected, { base: assigned, terms }, 'rejected: re-register'],
  [
    'DPS refuses it, and the hub does not',
    notEnrolled,
    { base: assigned, terms, phase: 'registering' },
    'dps-refused: ignore',
  ],
  ['DPS never took it', notEnrolled, { base, terms, phase: 'registering' }, 'dps-refused: strand'],
  [
    'both refuse it',
    notEnrolled,
    { base: assigned, terms, phase: 'registering', rejected: true },
    'dps-refused: strand',
  ],
  [
    'a roll is not held back by the roll before',
    asked('roll'),
    { base: assigned, terms, lastRollAt: NOW },
    'asked: re-register',
  ],
]);

/** Plays events one after the other, each at its time, and gives what each led to. */
function play(from: RollState, ...events: readonly (RollEvent | ((state: RollState) => RollEvent))[]) {
  let state = from;
  return events.map((event) => {
    const step = advance(state, typeof event === 'function' ? event(state) : event, terms);
    state = step.state;
    return { ...step, doing: step.effects.map(({ kind }) => kind).join(), phase: state.phase };
  });
}

const at = { at: NOW, draw: 0.5 } as const;
const registered = (key: string, hub = 'hub-1'): RollEvent => ({
  ...at,
  kind: 'registered',
  thumbprint: EK,
  assignment: { hub, deviceId: 'gw-1', key },
  as: terms.registered,
});
const connected = (hub: string): RollEvent => ({ ...at, kind: 'connected', thumbprint: EK, hub });
const refused =
  (code: 'NL-HUB-REJECTED' | 'NL-TPM-KEY' | 'NL-DPS-404201', moment = NOW) =>
  (state: RollState): RollEvent => {
    const [effect] = advance(state, { ...at, kind: 'woken' }, terms).effects;
    assert.ok(effect !== undefined, 'something is in flight');
    return { at: moment, draw: 0.5, kind: 'failed', effect, failure: failure(code) };
  };
const ask: RollEvent = {
  ...at,
  kind: 'asked',
  request: { id: 'r', action: 're-register', reason: 'asked', from: 'technician', at: NOW },
  delayMs: 0,
  discard: false,
};

describe('the way of the machine', () => {
  test('it begins with a registration, and is through when the hub takes the key', () => {
    const steps = play(
      unprovisioned,
      { ...at, kind: 'started', given: tpm },
      registered('k1'),
      connected('hub-1/gw-1/k1'),
    );
    assert.deepEqual(
      steps.map(({ phase, doing }) => `${phase}: ${doing}`),
      ['registering: register', 'serving: connect', 'serving: '],
    );
    assert.equal(steps.at(-1)?.state.outcomes[0]?.outcome, 'done');
  });

  test('another key from DPS is another session: the old one stays until the hub has taken it', () => {
    const online: RollState = { ...assigned, online: `${EK}@hub-1/gw-1/k1` };
    const [, again, through] = play(online, ask, registered('k2'), connected('hub-1/gw-1/k2'));
    assert.equal(again?.doing, 'connect');
    assert.equal(again?.state.online, `${EK}@hub-1/gw-1/k1`);
    assert.equal(again?.state.outcomes.length, 0, 'not done yet');
    assert.deepEqual([through?.state.online, through?.state.outcomes[0]?.outcome], [`${EK}@hub-1/gw-1/k2`, 'done']);
  });

  test('a hub that lags DPS is given its grace, and DPS is not asked for key after key', () => {
    const steps = play(assigned, ask, registered('k2'), ...Array.from({ length: 9 }, () => refused('NL-HUB-REJECTED')));
    assert.deepEqual(new Set(steps.slice(2).map(({ phase }) => phase)), new Set(['serving']));
    assert.equal(steps.at(-1)?.doing, 'connect');
  });

  test('a TPM without its key is a refusal: the gateway registers again', () => {
    const [step] = play(assigned, refused('NL-TPM-KEY'));
    assert.deepEqual([step?.phase, step?.doing], ['registering', 'register']);
  });

  test('nothing is ever due, and no alarm rings', () => {
    const online: RollState = { ...assigned, online: `${EK}@hub-1/gw-1/k1` };
    const [later] = play(online, { at: NOW + 1e12, draw: 0.5, kind: 'woken' });
    assert.deepEqual([later?.phase, later?.doing, later?.state.alarm], ['serving', '', undefined]);
  });

  test('before its enrollment it asks again after 5 and 15 minutes, then every hour', () => {
    const [begun] = play(unprovisioned, { ...at, kind: 'started', given: tpm });
    let state = begun?.state ?? assert.fail();
    let now = NOW;
    const pauses: number[] = [];
    for (let time = 0; time < 4; time += 1) {
      const [stranded] = play(state, refused('NL-DPS-404201', now));
      assert.equal(stranded?.phase, 'stranded');
      const askAt = stranded?.state.probe?.askAt ?? 0;
      pauses.push(Math.floor((askAt - now) / MINUTE));
      now = askAt;
      const [probing] = play(stranded?.state ?? state, { at: now, draw: 0.5, kind: 'woken' });
      assert.equal(probing?.doing, 'register');
      state = probing?.state ?? state;
    }
    assert.deepEqual(pauses, [5, 16, 64, 64], 'with the jitter of half a draw');
  });

  test('one that served before asks no more than once an hour', () => {
    const [, stranded] = play({ ...assigned, rejected: true }, ask, refused('NL-DPS-404201'));
    assert.equal(stranded?.phase, 'stranded');
    assert.ok((stranded?.state.probe?.askAt ?? 0) - NOW >= 60 * MINUTE);
  });
});

describe('what it says of itself', () => {
  const options = { version: '1', registrationId: 'gw-1', terms, now: NOW };

  test('status and twin name the endorsement key, and no leaf', () => {
    const status = statusOf(assigned, options);
    assert.deepEqual([status.attestation, status.endorsementKey, status.leaf], ['tpm', EK, undefined]);
    const twin = JSON.parse(JSON.stringify(twinOf(presentOf(assigned, options), 'newleaf')));
    assert.deepEqual([twin.tpm, twin.leaf], [{ endorsementKey: EK }, undefined]);
    assert.equal(lineOf(presentOf(assigned, options)), 'serving with the key in its TPM, offline');
    assert.equal(status.person, false);
  });

  test('before it has registered nobody must bring a leaf', () => {
    assert.equal(statusOf(unprovisioned, options).person, false);
  });

  test('words', () => {
    assert.equal(wordsOf('serving', 'x509'), 'serving with the current leaf');
    assert.equal(wordsOf('serving', 'tpm'), 'serving with the key in its TPM');
    assert.equal(wordsOf('stranded', 'tpm'), wordsOf('stranded', 'x509'));
  });
});
