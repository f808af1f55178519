import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foundTwice } from '../../../hsm/found-twice.ts';
import type { Session } from '../../../hsm/session.ts';

const ID = Buffer.from('600dcafe', 'hex');
const [ours, half, stranger] = [Buffer.of(1), Buffer.of(2), Buffer.of(3)];

/** A token that lists these objects, one answer after the other. */
function listing(...answers: (readonly Buffer[])[]): Session {
  const session = {
    find: () => answers.shift() ?? [],
    read: (object: Buffer) => (object === stranger ? Buffer.from('beef', 'hex') : ID),
  };
  return session as unknown as Session;
}

for (const [what, answers] of [
  [
    'right',
    [
      [ours, half],
      [ours, half],
    ],
  ],
  ['empty once', [[], [ours, half]]],
  ['empty the second time', [[ours, half], []]],
  ['short once', [[ours], [ours, half]]],
] as const)
  test(`a list that is ${what}: all objects are found`, () => {
    assert.deepEqual(foundTwice(listing(...answers), [], ID), [ours, half]);
  });

test('a list with an object of another: none is destroyed', () => {
  assert.throws(() => foundTwice(listing([ours, stranger], [ours]), [], ID), { code: 'OBJECT_OF_ANOTHER' });
});
