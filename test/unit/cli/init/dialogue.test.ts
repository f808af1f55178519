import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DaemonEvent } from '../../../../agent/ask/event.ts';
import { askAttestation } from '../../../../agent/cli/init/steps.ts';
import { type DaemonWatch, isAtRest, tellAll } from '../../../../agent/cli/init/watch.ts';
import { type Code, failure } from '../../../../agent/failure/failure.ts';
import type { RollEffect, RollState } from '../../../../agent/roll/state.ts';
import { unprovisioned } from '../../../../agent/roll/state.ts';
import { again } from '../../roll/candidates.ts';
import { waits } from '../../roll/standing.ts';
import { type SceneOptions, scene } from './stage.ts';

const CHOICES = [
  { key: 'a', words: 'the first' },
  { key: 'b', words: 'the second' },
] as const;

describe('a choice', () => {
  const rows: readonly (readonly [
    what: string,
    typed: readonly string[],
    fallback: 'a' | 'b' | undefined,
    key: string,
  ])[] = [
    ['by number', ['2'], undefined, 'b'],
    ['by name', ['b'], undefined, 'b'],
    ['by Enter', [''], 'b', 'b'],
    ['after nonsense', ['0', '3', 'x', '1.5', '-1', '1'], undefined, 'a'],
    ['not by Enter without a default', ['', '1'], undefined, 'a'],
  ];
  for (const [what, typed, fallback, key] of rows) {
    test(what, async () => {
      const { guide, paper } = scene({ typed });
      assert.equal(await guide.dialogue.choose('Which one', CHOICES, fallback), key);
      assert.match(paper.text, /^ {2}1 {2}the first\n {2}2 {2}the second\n {2}Which one/);
    });
  }
});

test('yes and no, in any case, and nothing else', async () => {
  for (const [typed, expected] of [
    [['y'], true],
    [['NO'], false],
    [['perhaps', 'Yes'], true],
    [[''], true],
  ] as const) {
    assert.equal(await scene({ typed }).guide.dialogue.confirm('Sure?', true), expected);
  }
});

test('a new secret is asked for until it is long enough, and may be left to newleaf', async () => {
  const objection = (typed: string) => (typed !== '' && typed.length < 4 ? 'must be 4 characters long' : undefined);
  const { guide, paper } = scene({ typed: ['123', '1234'] });
  assert.equal(await guide.dialogue.secret('PIN', objection), '1234');
  assert.match(paper.text, /It must be 4 characters long\./);
  assert.equal(await scene({ typed: [''] }).guide.dialogue.secret('PIN', objection), '');
});

test('help is no answer, and is given', async () => {
  for (const word of ['help', '--help', '?']) {
    const { guide, paper } = scene({ typed: [word, 'gw-1'] });
    assert.equal(await guide.dialogue.text('Name', undefined, () => undefined), 'gw-1');
    assert.match(paper.text, /Enter alone takes the value in brackets.*`back`.*Ctrl-C.*newleaf help init/s);
  }
});

test('work is named as soon as a person would notice it, where there is one', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  for (const [typed, tookMs, words] of [
    [[], 999, ''],
    [[], 1000, '  Asking the EST server …\n'],
    [undefined, 1000, ''],
  ] as const) {
    const { guide, paper } = scene(typed && { typed });
    let finish = () => {};
    const work = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const done = guide.dialogue.during('Asking the EST server', work);
    t.mock.timers.tick(tookMs);
    finish();
    await done;
    t.mock.timers.tick(10_000);
    assert.equal(paper.text, words);
  }
});

test('names that others have made cannot command the terminal', async () => {
  const { guide, paper } = scene({ typed: ['1'] });
  await guide.dialogue.choose('Which one', [{ key: 'a', words: 'token "\u001b[2Jx"' }], undefined);
  assert.ok(!paper.text.includes('\u001b'));
});

test('how the device proves itself: by flag, as configured, or by a leaf', async () => {
  const rows: readonly (readonly [SceneOptions, attestation: string, device: string | undefined])[] = [
    [{}, 'x509', undefined],
    [{ flags: { attestation: 'tpm' } }, 'tpm', '/dev/tpmrm0'],
    [{ flags: { attestation: 'tpm', 'tpm-device': '127.0.0.1:2321' }, typed: [] }, 'tpm', '127.0.0.1:2321'],
    [{ configured: { 'dps.attestation': 'tpm' } }, 'tpm', '/dev/tpmrm0'],
    [{ configured: { 'dps.attestation': 'tpm', 'tpm.device': '/dev/tpm1' }, typed: ['2', ''] }, 'tpm', '/dev/tpm1'],
    [{ configured: { 'dps.attestation': 'tpm', 'tpm.device': '/dev/tpm1' }, typed: ['1'] }, 'x509', undefined],
  ];
  for (const [options, attestation, device] of rows) {
    const { guide } = scene(options);
    await askAttestation(guide);
    assert.deepEqual([guide.answers.get('dps.attestation'), guide.answers.get('tpm.device')], [attestation, device]);
  }
  await assert.rejects(askAttestation(scene({ flags: { attestation: 'key' } }).guide), /--attestation must be/);
});

const failed = (effect: RollEffect['kind'], code: Code): DaemonEvent => ({ type: 'failed', effect, ...failure(code) });

test('of the first failure alone is said that newleaf tries again by itself', () => {
  const { guide, paper } = scene({ typed: [] });
  const told: ((event: DaemonEvent) => void)[] = [];
  const daemon = { state: unprovisioned, subscribe: (listener: (event: DaemonEvent) => void) => told.push(listener) };
  tellAll({ running: { daemon }, dialogue: guide.dialogue } as unknown as DaemonWatch, undefined);
  for (let count = 0; count < 3; count += 1) told[0]?.(failed('register', 'NL-DPS-SERVER'));
  assert.equal(paper.text.match(/NL-DPS-SERVER/g)?.length, 3);
  assert.equal(paper.text.match(/tries again by itself/g)?.length, 1);
});

describe('provisioning is at rest', () => {
  const at = (change: Partial<RollState>): RollState => ({ ...unprovisioned, ...change });
  const rows: readonly (readonly [what: string, state: RollState, event: DaemonEvent | undefined, isSo: boolean])[] = [
    ['at the beginning', at({}), undefined, false],
    ['when it serves', at({ phase: 'serving', online: 'AA@hub' }), undefined, true],
    ['not without a session', at({ phase: 'serving' }), undefined, false],
    ['when the candidate is refused', at({ phase: 'unprovisioned', next: waits }), undefined, true],
    ['not while DPS is asked again', at({ phase: 'registering-next', next: again }), undefined, false],
    ['when it is stranded', at({ phase: 'stranded' }), undefined, true],
    ['when the token is broken', at({ phase: 'generating-key' }), failed('generate-key', 'NL-TOKEN-FAILED'), true],
    ['not when a server is silent', at({ phase: 'registering-next' }), failed('register', 'NL-DPS-TIMEOUT'), false],
    [
      'not when the hub refuses: it may lag behind DPS',
      at({ phase: 'connecting-next' }),
      failed('connect', 'NL-HUB-REJECTED'),
      false,
    ],
  ];
  for (const [what, state, event, isSo] of rows) test(what, () => assert.equal(isAtRest(state, event), isSo));

  test('not for the failure that the work in flight mends', () => {
    const lost = failed('connect', 'NL-TOKEN-KEY');
    assert.equal(isAtRest(at({ phase: 'requesting-leaf' }), lost, 'NL-TOKEN-KEY'), false);
    assert.equal(isAtRest(at({ phase: 'requesting-leaf' }), lost), true);
  });
});
