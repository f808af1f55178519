import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Received } from '../../../agent/ask/ask.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import type { Memory } from '../../../agent/roll/core/memory.ts';
import type { KeyRef } from '../../../agent/roll/leaf.ts';
import type { Ports } from '../../../agent/roll/ports.ts';
import { terms } from '../roll/machine.ts';
import { forPerson as next } from '../roll/memories.ts';
import { candidate, current, Disk, gateway, serving } from './gateway.ts';

/** What is said of a leaf that is delivered, and the key that it is held against. */
async function delivered(t: TestContext, state: Memory, keepKey: boolean, judge?: Ports['judge']) {
  let against: KeyRef | undefined;
  const judging: Ports['judge'] = async (chain, key) => {
    against = key;
    return judge === undefined ? { ...candidate, key } : judge(chain, key);
  };
  const { ask } = await gateway(t, new Disk(state), { judge: judging }, { terms: { ...terms, keepKey } });
  const answer = await ask({ kind: 'install', from: 'technician', delivered: Buffer.from('chain') }, 0);
  return { answer, against };
}

const factory = { ...current, key: { slot: 'given', id: 'f0' } } as const;
const KEYS: readonly (readonly [what: string, state: Memory, keepKey: boolean, id: string | undefined])[] = [
  ['no CSR was made', serving, false, undefined],
  ['the key of the CSR', { ...serving, next }, false, 'g1'],
  ['the key of the current leaf, where it is kept', serving, true, 'g0'],
  ['the key of the factory, which has no other', { ...serving, current: factory }, false, 'f0'],
];
for (const [what, state, keepKey, id] of KEYS) {
  test(`a leaf is delivered: ${what}`, async (t) => {
    const { answer, against } = await delivered(t, state, keepKey);
    assert.deepEqual([answer.status, against?.id], [id === undefined ? 400 : 202, id]);
  });
}

const ISSUERS: readonly (readonly [what: string, state: Memory, issuer: string, says: string])[] = [
  ['the CA of before', { ...serving, next }, current.issuer, `It is issued by ${current.issuer}.`],
  ['another CA', { ...serving, next }, 'Mine', `It is issued by Mine; so far by ${current.issuer}.`],
];
for (const [what, state, issuer, says] of ISSUERS) {
  test(`a leaf is delivered by ${what}: the answer names it`, async (t) => {
    const { answer } = await delivered(t, state, false, async (_, key) => ({ ...candidate, key, issuer }));
    assert.equal((answer.body as Partial<Received>).message, says);
  });
}

const WORDS: readonly (readonly [Fault, expected: readonly [status: number, retryAfterSeconds: number | undefined]])[] =
  [
    [new Fault('NL-LEAF-NOT-YET', { retryAfterMs: 90_001 }), [409, 91]],
    [new Fault('NL-LEAF-CN'), [400, undefined]],
    [new Fault('NL-TOKEN-FAILED'), [500, undefined]],
  ];
for (const [fault, expected] of WORDS) {
  test(`a delivered leaf meets ${fault.failure.code}: ${expected[0]}`, async (t) => {
    const { answer } = await delivered(t, { ...serving, next }, false, () => Promise.reject(fault));
    const { code, retryAfterSeconds } = answer.body as Record<string, unknown>;
    assert.deepEqual([code, answer.status, retryAfterSeconds], [fault.failure.code, ...expected]);
  });
}
