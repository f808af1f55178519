import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf } from '../../../agent/failure/failure-of.ts';
import { freshId } from '../token/fresh-id.ts';
import { tokenContract } from '../token/suite.ts';
import { tpm2 } from './tpm2.ts';

// More keys than any gateway makes: the limit of the resource manager is not what is looked at here.
const bench = tokenContract(await tpm2({ transients: 100 }), ['ec-p256', 'ec-p384', 'rsa-2048'], ['refusals', 'keys']);

test('a kind of key that the token does not make is named, and what to do', async () => {
  const failure = failureOf(
    await bench()
      .token.generate('newleaf-a', 'rsa-4096', freshId())
      .catch((error: unknown) => error),
  );
  assert.equal(failure.code, 'NL-TOKEN-FAILED');
  assert.equal(failure.message, 'The token does not make keys of type rsa-4096 (CKR_ATTRIBUTE_VALUE_INVALID).');
  assert.match(failure.advice, /^Choose another leaf\.key_type/);
  assert.equal(await bench().token.find('newleaf-a'), undefined);
});
