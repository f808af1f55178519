import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { forgetStart, forgetWords, lastWords, leaveWords } from '../../../agent/state/last-words.ts';
import { scratch } from './disk.ts';

const AT = Date.parse('2030-01-01T00:00:00Z');

test('last words are kept for the group until the daemon runs again', async (t) => {
  const directory = scratch(t);
  assert.equal(await lastWords(directory), undefined);
  const met = failure('NL-TOKEN-PIN', { cause: 'CKR_PIN_INCORRECT' });
  await leaveWords(directory, met, AT);
  const { code, message, advice, cause } = met;
  const words = { at: '2030-01-01T00:00:00.000Z', code, message, advice, cause };
  assert.deepEqual(await lastWords(directory), words);
  await leaveWords(directory, { ...met, cause: 'at line 2' }, AT + 1);
  assert.deepEqual(await lastWords(directory), words, 'the same words are not written again');
  assert.equal(statSync(join(directory, 'ended.json')).mode & 0o777, 0o640);
  await forgetWords(directory);
  await forgetWords(directory);
  assert.equal(await lastWords(directory), undefined);
});

test('a daemon that has begun disproves the words of a start that failed, and not those of one that ran', async (t) => {
  const directory = scratch(t);
  await forgetStart(directory);
  await leaveWords(directory, failure('NL-TOKEN-POISONED'), AT);
  await forgetStart(directory);
  assert.equal((await lastWords(directory))?.code, 'NL-TOKEN-POISONED');
  await leaveWords(directory, failure('NL-STATE-CORRUPT'), AT);
  await forgetStart(directory);
  assert.equal(await lastWords(directory), undefined);
});

for (const text of ['', 'null', '{}', '{"at":"soon","code":"NL-TOKEN-PIN"}', '{"at":"2030-01-01","code":"toString"}']) {
  test(`${JSON.stringify(text)} is nothing that a daemon said`, async (t) => {
    const directory = scratch(t);
    writeFileSync(join(directory, 'ended.json'), text);
    assert.equal(await lastWords(directory), undefined);
  });
}
