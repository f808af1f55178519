import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Code, Fault, failure } from '../../../agent/failure/failure.ts';
import { promoting } from '../../../agent/hub/tpm/promotion.ts';
import type { HubSignal } from '../../../agent/roll/ports.ts';
import { Queue } from '../../../agent/time/queue.ts';
import { leafNamed } from '../mqtt/certificates.ts';
import { settled } from '../mqtt/settled.ts';
import { codeOf, hubThat, never } from './hub-side.ts';

const leaf = leafNamed('AB');
const BROKEN = new Error('no TPM');

/** The key that waits, where one does: an assignment names k2. */
type Waits = 'k2' | 'k3' | undefined;
/** What the hub answers to a session with each key that it is asked with, in order; `before` is the one in the TPM. */
type Answers = Readonly<Record<string, Code | Error | 'ok'>>;
/** What became of it besides: the code of the failure, and what was promoted or told. */
type Becomes = readonly string[];

const ROWS: readonly (readonly [why: string, next: Waits, answers: Answers, becomes: Becomes, promotion?: Error])[] = [
  ['nothing waits', undefined, { k2: 'ok' }, []],
  ['nothing waits, and it is refused', undefined, { k2: 'NL-HUB-REJECTED' }, ['NL-HUB-REJECTED']],
  ['another one waits', 'k3', { k2: 'NL-HUB-REJECTED' }, ['NL-HUB-REJECTED']],
  ['accepted: it is promoted', 'k2', { k2: 'ok' }, ['promoted k2']],
  ['accepted, and the TPM is away: it serves all the same', 'k2', { k2: 'ok' }, ['not promoted: no TPM'], BROKEN],
  ['refused, and the one before is not: that stays', 'k2', { k2: 'NL-HUB-REJECTED', before: 'ok' }, ['kept']],
  ['both refused', 'k2', { k2: 'NL-HUB-REJECTED', before: 'NL-HUB-REJECTED' }, ['NL-HUB-REJECTED']],
  ['refused, and there is none before', 'k2', { k2: 'NL-HUB-REJECTED', before: BROKEN }, ['NL-HUB-REJECTED']],
  [
    'refused, and the one before is accepted and dropped: the older session is gone',
    'k2',
    { k2: 'NL-HUB-REJECTED', before: 'NL-HUB-TWIN' },
    ['NL-HUB-TWIN'],
  ],
  ['an outage proves nothing', 'k2', { k2: 'NL-HUB-UNREACHABLE' }, ['NL-HUB-UNREACHABLE']],
  ['accepted, and not proven', 'k2', { k2: 'NL-HUB-TWIN' }, ['NL-HUB-TWIN']],
];

const assignment = { hub: 'hub-1', deviceId: 'gw-0001', key: 'k2' };

for (const [why, next, answers, becomes, promotion] of ROWS) {
  test(why, async () => {
    const seen: string[] = [];
    const became: string[] = [];
    const inner = hubThat(async (_leaf, { key = 'before' }) => {
      seen.push(key);
      const answer = answers[key];
      if (answer instanceof Error) throw answer;
      if (answer !== undefined && answer !== 'ok') throw new Fault(answer);
    });
    const hub = promoting(inner, {
      key: {
        isNext: async (name) => name === next,
        async promote(name) {
          if (promotion !== undefined) throw promotion;
          became.push(`promoted ${name}`);
        },
      },
      kept: () => became.push('kept'),
      failed: (error) => became.push(`not promoted: ${(error as Error).message}`),
    });
    const code = await codeOf(hub.connect(leaf, assignment, never));
    if (code !== 'fulfilled') became.push(code);
    assert.deepEqual([seen, became], [Object.keys(answers), becomes]);
  });
}

/** A hub whose session is open, and a TPM that takes its time. */
function slowStage() {
  const signals = new Queue<HubSignal>();
  const promotion = settled();
  const became: string[] = [];
  const inner = hubThat(async () => void became.push('connect'), { signals });
  const hub = promoting(inner, {
    key: {
      isNext: async () => !became.includes('promoted'),
      async promote() {
        await promotion.promise;
        became.push('promoted');
      },
    },
    kept: () => became.push('kept'),
    failed: () => became.push('failed'),
  });
  return { hub, signals, promotion, became };
}

test('a session that ends while the TPM takes the key never counts as open', async () => {
  const { hub, signals, promotion, became } = slowStage();
  void (async () => {
    for await (const { kind } of hub.signals) became.push(kind);
  })();
  const connected = hub.connect(leaf, assignment, never).catch((error: Fault) => became.push(error.failure.code));
  await setImmediate();
  signals.push({ kind: 'lost', thumbprint: 'AB', heldMs: 5, failure: failure('NL-HUB-LOST') });
  await setImmediate();
  promotion.resolve();
  await connected;
  // An older session may have been open before it: its end is in the signal.
  assert.deepEqual(became, ['connect', 'lost', 'promoted', 'NL-HUB-LOST']);
});

test('a session that ends before, or after, is no matter of this one', async () => {
  const { hub, signals, promotion, became } = slowStage();
  signals.push({ kind: 'lost', thumbprint: 'AB', heldMs: 5, failure: failure('NL-HUB-LOST') });
  await setImmediate();
  promotion.resolve();
  await hub.connect(leaf, assignment, never);
  assert.deepEqual(became, ['connect', 'promoted']);
});
