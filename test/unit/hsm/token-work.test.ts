import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { TokenError } from '../../../hsm/ckr.ts';
import { tellTokenError, toldTokenError } from '../../../hsm/token-work.ts';

suite('a failure of the token in another process', () => {
  const rows: readonly (readonly [what: string, met: TokenError, kind: TokenError['kind'], isLasting: boolean])[] = [
    ['keeps the next step', new TokenError('pin', 'A', 'Refused before.', undefined, 'rm it', 'ask'), 'pin', false],
    ['has none of its own', new TokenError('failed', 'B', 'Failed.'), 'failed', false],
    ['is not healed by a restart of this one', new TokenError('poisoned', 'C', 'Lost.'), 'failed', true],
  ];
  for (const [what, met, kind, isLasting] of rows)
    test(what, () => {
      // The channel carries JSON.
      const told = toldTokenError(JSON.parse(JSON.stringify(tellTokenError(met, 'Work'))));
      const { code, message, advice, byPerson } = met;
      assert.deepEqual({ ...told }, { name: 'TokenError', kind, code, advice, byPerson, isLasting });
      assert.equal(told.message, message);
    });
});
