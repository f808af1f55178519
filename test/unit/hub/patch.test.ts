import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patch } from '../../../agent/hub/patch.ts';

/** What the hub has, what it shall have, what is written. */
const ROWS: readonly (readonly [unknown, unknown, unknown])[] = [
  [undefined, { phase: 'serving' }, { phase: 'serving' }],
  [{ phase: 'serving' }, { phase: 'serving' }, undefined],
  [{ phase: 'serving' }, { phase: 'registering' }, { phase: 'registering' }],
  [
    { phase: 'serving', last: { id: 'x' } },
    { phase: 'registering', last: { id: 'x' } },
    { phase: 'registering', last: { id: 'x' } },
  ],
  [{ a: 1, b: 2 }, { a: 1 }, { a: 1, b: null }],
  [{ a: 1 }, { a: 1, b: null }, undefined],
  [{ a: 1 }, { a: null }, { a: null }],
  [{ last: { id: 'x', code: 'c' } }, { last: { id: 'y' } }, { last: { id: 'y', code: null } }],
  [{ last: { id: 'x' } }, { last: { id: 'x' } }, undefined],
  [{ last: { id: 'x' } }, {}, { last: null }],
  [{ last: 'x' }, { last: { id: 'x' } }, { last: { id: 'x' } }],
  [{ last: { id: 'x' } }, { last: 'x' }, { last: 'x' }],
  [{ last: { id: 'x' } }, { last: null }, { last: null }],
  [{ last: { code: null } }, { last: {} }, undefined],
  [{ list: [1, 2] }, { list: [1, 2] }, undefined],
  [{ list: [1, 2] }, { list: [2] }, { list: [2] }],
  [{}, {}, undefined],
  ['text', { a: 1 }, { a: 1 }],
];

for (const [before, after, expected] of ROWS) {
  test(`${JSON.stringify(before)} → ${JSON.stringify(after)}: ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(patch(before, after), expected);
  });
}
