import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Code, Fault, failure } from '../../../agent/failure/failure.ts';
import { promoting } from '../../../agent/hub/tpm/promotion.ts';
import type { Hub, HubSignal } from '../../../agent/roll/ports.ts';
import { Queue } from '../../../agent/time/queue.ts';
import { leafNamed } from '../mqtt/certificates.ts';

const leaf = leafNamed('AB');
const never = new AbortController().signal;
const BROKEN = new Error('no TPM');

interface Row {
  readonly why: string;
  /** The key that waits; an assignment names k2. */
  readonly next?: string;
  /** What the hub answers to a session with this key; `before` is the one in the TPM. */
  readonly answers: Readonly<Record<string, Code | Error | 'ok'>>;
  readonly promotion?: Error;
  readonly asked: readonly string[];
  /** What became of it besides: the code of the failure, and what was promoted or told. */
  readonly becomes: readonly string[];
}

const ROWS: readonly Row[] = [
  { why: 'nothing waits', answers: { k2: 'ok' }, asked: ['k2'], becomes: [] },
  {
    why: 'nothing waits, and it is refused',
    answers: { k2: 'NL-HUB-REJECTED' },
    asked: ['k2'],
    becomes: ['NL-HUB-REJECTED'],
  },
  {
    why: 'another one waits',
    next: 'k3',
    answers: { k2: 'NL-HUB-REJECTED' },
    asked: ['k2'],
    becomes: ['NL-HUB-REJECTED'],
  },
  { why: 'accepted: it is promoted', next: 'k2', answers: { k2: 'ok' }, asked: ['k2'], becomes: ['promoted k2'] },
  {
    why: 'accepted, and the TPM is away: it serves all the same',
    next: 'k2',
    answers: { k2: 'ok' },
    promotion: BROKEN,
    asked: ['k2'],
    becomes: ['not promoted: no TPM'],
  },
  {
    why: 'refused, and the one before is not: that stays',
    next: 'k2',
    answers: { k2: 'NL-HUB-REJECTED', before: 'ok' },
    asked: ['k2', 'before'],
    becomes: ['kept'],
  },
  {
    why: 'both refused',
    next: 'k2',
    answers: { k2: 'NL-HUB-REJECTED', before: 'NL-HUB-REJECTED' },
    asked: ['k2', 'before'],
    becomes: ['NL-HUB-REJECTED'],
  },
  {
    why: 'refused, and there is none before',
    next: 'k2',
    answers: { k2: 'NL-HUB-REJECTED', before: BROKEN },
    asked: ['k2', 'before'],
    becomes: ['NL-HUB-REJECTED'],
  },
  {
    why: 'refused, and the one before is accepted and dropped: the older session is gone',
    next: 'k2',
    answers: { k2: 'NL-HUB-REJECTED', before: 'NL-HUB-TWIN' },
    asked: ['k2', 'before'],
    becomes: ['NL-HUB-TWIN'],
  },
  {
    why: 'an outage proves nothing',
    next: 'k2',
    answers: { k2: 'NL-HUB-UNREACHABLE' },
    asked: ['k2'],
    becomes: ['NL-HUB-UNREACHABLE'],
  },
  {
    why: 'accepted, and not proven',
    next: 'k2',
    answers: { k2: 'NL-HUB-TWIN' },
    asked: ['k2'],
    becomes: ['NL-HUB-TWIN'],
  },
];

for (const { why, next, answers, promotion, asked, becomes } of ROWS) {
  test(why, async () => {
    const seen: string[] = [];
    const became: string[] = [];
    const inner: Hub = {
      async connect(_leaf, { key = 'before' }) {
        seen.push(key);
        const answer = answers[key];
        if (answer instanceof Error) throw answer;
        if (answer !== undefined && answer !== 'ok') throw new Fault(answer);
      },
      signals: new Queue<HubSignal>(),
      silentMs: () => undefined,
      report: async () => {},
      close: async () => {},
    };
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
    await hub.connect(leaf, { hub: 'hub-1', deviceId: 'gw-0001', key: 'k2' }, never).catch((error: unknown) => {
      became.push(error instanceof Fault ? error.failure.code : String(error));
    });
    assert.deepEqual([seen, became], [asked, becomes]);
  });
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** A hub whose session is open, and a TPM that takes its time. */
function slowStage() {
  const signals = new Queue<HubSignal>();
  const promotion = withResolvers();
  const became: string[] = [];
  const inner: Hub = {
    connect: async () => {
      became.push('connect');
    },
    signals,
    silentMs: () => undefined,
    report: async () => {},
    close: async () => {
      became.push('closed');
    },
  };
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
const assignment = { hub: 'hub-1', deviceId: 'gw-0001', key: 'k2' };

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
