import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshId } from '../../../agent/roll/intended.ts';
import { NOW } from './machine.ts';
import { MEMORIES, serving } from './memories.ts';
import { after, standing } from './stage.ts';
import { request } from './standing.ts';

test('no two CKA_IDs are the same, in one millisecond or after the clock was set back', () => {
  const moments = [0.1, 0.1 + 2 ** -52, 0, 1 - 2 ** -53].map((draw) => ({ at: NOW, draw }));
  const ids = [...moments, { at: NOW + 1, draw: 0.1 }, { at: 0, draw: 0.1 }].map(freshId);
  assert.equal(new Set(ids).size, ids.length, ids.join(' '));
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
});

test('the key of a roll is named before it is made, and the effect is to make that very key', () => {
  const asked = { kind: 'asked', request: request('roll'), delayMs: 0, discard: false } as const;
  const { memory, plan } = after(standing(serving), asked, 0.25);
  assert.deepEqual(memory.next?.key, { slot: 'b', id: freshId({ at: NOW, draw: 0.25 }) });
  assert.deepEqual(plan.asks, [{ kind: 'generate-key', ...memory.next.key }]);
});

test('a key that is made under another name is not taken for the one that was named', () => {
  const making = standing(MEMORIES['generating-key']);
  const { memory } = after(making, { kind: 'key-generated', key: { slot: 'b', id: 'other' } }, 0.5, 'work');
  assert.equal(memory.next?.isMade, undefined);
});
