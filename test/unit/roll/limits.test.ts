import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { budgetLeft } from '../../../agent/roll/budget.ts';
import type { Circumstances, Memory } from '../../../agent/roll/core/memory.ts';
import { asked, delivered } from '../../../agent/roll/core/requests.ts';
import type { Request } from '../../../agent/roll/state.ts';
import { NOW, terms } from './machine.ts';
import { circumstances, MEMORIES, made, serving } from './memories.ts';
import { after, standing } from './stage.ts';
import { candidate, current, HOUR, MINUTE, person, request, tight } from './standing.ts';

const full: Memory = { ...serving, budget: { left: 10, at: NOW } };
const broke: Memory = { ...serving, budget: { left: 0, at: NOW } };
const spent = (left: number, at: number): Memory => ({ ...serving, budget: { left, at } });
const rolled: Memory = { ...full, lastRollAt: NOW - 20_000 };
const limited = { ...terms, ...tight };

type Row = readonly [why: string, Memory, Request['action'], Request['from'], answer: string, until?: number];
const ROWS: readonly Row[] = [
  ['spent: a method waits three minutes', broke, 're-register', 'method', 'budget', NOW + 3 * MINUTE],
  ['half of one is left', spent(0.5, NOW), 'roll', 'method', 'budget', NOW + 1.5 * MINUTE],
  ['one is left', spent(1, NOW), 're-register', 'method', 'asked'],
  ['one has been earned since', spent(0, NOW - 3 * MINUTE), 're-register', 'method', 'asked'],
  ['a second too early', spent(0, NOW - 3 * MINUTE + 1_000), 're-register', 'method', 'budget', NOW + 1_000],
  ['a clock that NTP corrects in passing', spent(0, NOW + MINUTE), 're-register', 'method', 'budget', NOW + 3 * MINUTE],
  ['a clock that was far ahead, and was set back', spent(0, NOW + MINUTE + 1), 're-register', 'method', 'asked'],
  ['a technician is outside of it', broke, 'roll', 'technician', 'asked'],
  ['a method rolls too soon after the last roll', rolled, 'roll', 'method', 'roll-interval', NOW + 40_000],
  ['a technician may', rolled, 'roll', 'technician', 'asked'],
  ['a re-registration is no roll', rolled, 're-register', 'method', 'asked'],
  ['the interval is over', { ...full, lastRollAt: NOW - MINUTE }, 'roll', 'method', 'asked'],
  [
    'a roll in the future was before the clock was set back',
    { ...full, lastRollAt: NOW + HOUR },
    'roll',
    'method',
    'asked',
  ],
  ['a roll goes on, whoever asks for one', MEMORIES['requesting-leaf'], 'roll', 'technician', 'single-flight'],
  ['a registration is in flight for another', MEMORIES.registering, 're-register', 'technician', 'single-flight'],
  [
    'a request is planned',
    { ...full, scheduled: { ...request('roll'), startAt: NOW + HOUR } },
    'roll',
    'method',
    'single-flight',
  ],
];

describe('a request', () => {
  for (const [why, memory, action, from, answer, until] of ROWS) {
    test(`${why} → ${answer}`, () => {
      const event = { kind: 'asked', request: request(action, from), delayMs: 0, discard: false } as const;
      const { decision, memory: next } = asked(
        memory,
        { ...event, at: NOW, draw: 0.5 },
        circumstances({ terms: limited }),
      );
      assert.equal(decision.rule, answer);
      assert.equal('untilMs' in decision ? decision.untilMs : undefined, until);
      if (answer === 'budget' || answer === 'roll-interval') assert.equal(next, memory, 'nothing comes of it');
    });
  }
  test('a roll where only a person brings the leaf: who asks is told so', () => {
    const event = { kind: 'asked', request: request('roll'), delayMs: 0, discard: false, at: NOW, draw: 0.5 } as const;
    assert.equal(asked(full, event, circumstances({ terms: { ...terms, ...person } })).decision.rule, 'person');
  });
});

describe('what it costs', () => {
  const ask = (from: Request['from'], delayMs = 0) =>
    ({ kind: 'asked', request: request('re-register', from), delayMs, discard: false }) as const;
  const brought = (from: Request['from']) =>
    ({ kind: 'leaf-delivered', leaf: candidate, request: request('roll', from) }) as const;
  const csr = (from: Request['from'], newKey: boolean) => ({ kind: 'csr-asked', newKey, from }) as const;
  const waiting: Memory = { ...full, next: { ...made(), isForPerson: true } };
  const rows: readonly (readonly [why: string, Memory, Parameters<typeof after>[1], left: number])[] = [
    ['a method costs one', full, ask('method'), 9],
    ['one that is to begin later costs it at once', full, ask('method', HOUR), 9],
    ['a technician costs nothing', full, ask('technician'), 10],
    [
      'what was charged when it was accepted is not charged again',
      { ...full, scheduled: { ...request('roll', 'method'), startAt: NOW } },
      { kind: 'woken' },
      10,
    ],
    ['a leaf that a method brings', waiting, brought('method'), 9],
    ['one that a technician brings', waiting, brought('technician'), 10],
    ['a CSR of another key, by a method', waiting, csr('method', true), 9],
    ['by a technician', waiting, csr('technician', true), 10],
    ['a CSR of the key that is there', waiting, csr('method', false), 10],
    ['the first key', full, csr('method', true), 10],
    ['a leaf that is due', full, { kind: 'woken' }, 10],
  ];
  for (const [why, memory, event, left] of rows) {
    test(`${why}: ${10 - left}`, () => {
      const { memory: next } = after(standing(memory, { terms: { ...limited, automatic: false } }), event);
      assert.equal(budgetLeft(next, limited, NOW), left);
    });
  }
  test('is earned back by the hour, and never above the burst', () => {
    const earned = [0, 3, 4.5, 30, 31, 9999].map((minutes) => budgetLeft(broke, limited, NOW + minutes * MINUTE));
    assert.deepEqual(earned, [0, 1, 1.5, 10, 10, 10]);
  });
});

describe('a leaf that a person brings', () => {
  const bring = (memory: Memory, leaf = candidate, flying: Circumstances['flying'] = {}) => {
    const event = { kind: 'leaf-delivered', leaf, request: request('roll'), at: NOW, draw: 0.5 } as const;
    return delivered(memory, event, circumstances({ flying }));
  };
  const proving = MEMORIES['connecting-next'];
  test('of another key is none of ours', () => {
    assert.deepEqual(
      bring(full, { ...candidate, key: { slot: 'b', id: 'x' } }).memory.outcomes[0]?.failure?.code,
      'NL-LEAF-KEY',
    );
  });
  test('that is the current one already is done', () => {
    assert.equal(bring(full, full.current).memory.outcomes[0]?.outcome, 'done');
  });
  test('for the current key, beside a candidate: the key of that is kept where DPS may trust a leaf of it', () => {
    const renewed = { ...current, thumbprint: 'T-renewed' };
    const beside: Memory = { ...full, next: made() };
    assert.deepEqual(bring(beside, renewed).memory.old, [candidate.key]);
    const heard = [{ thumbprint: 'T-before', keyId: candidate.key.id }];
    assert.deepEqual(bring({ ...beside, trusts: heard }, renewed).memory.old, [
      { ...candidate.key, isRemembered: true },
    ]);
  });
  test('waits where another one is being proven', () => {
    assert.deepEqual(bring(proving), { memory: proving, decision: bring(proving).decision });
    assert.equal(bring(proving).decision.rule, 'single-flight');
  });
});
