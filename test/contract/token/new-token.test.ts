import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { makeToken } from '../../../hsm/new-token.ts';
import { tokensOf } from '../../../hsm/slots.ts';
import { openToken } from '../../../hsm/token.ts';
import { withEnvironment } from '../../put-back.ts';
import { freshId } from './fresh-id.ts';

const MODULE = '/usr/lib/softhsm/libsofthsm2.so';
const directory = mkdtempSync(join(tmpdir(), 'newleaf-new-token-'));
mkdirSync(join(directory, 'tokens'));
writeFileSync(join(directory, 'softhsm2.conf'), `directories.tokendir = ${join(directory, 'tokens')}\n`);
withEnvironment({ SOFTHSM2_CONF: join(directory, 'softhsm2.conf') });
after(() => rmSync(directory, { recursive: true }));

/** What the module shows, in the words of a test. */
const shown = () => tokensOf(MODULE).map(({ label, isInitialised, hasPin }) => [label, isInitialised, hasPin]);

suite('a new token in SoftHSM', () => {
  const asked = { module: MODULE, label: 'newleaf', pin: '123456', soPin: 'of the officer' };

  test('takes the free slot, and then another is free', () => {
    assert.deepEqual(shown(), [['', false, false]]);
    makeToken(asked);
    assert.deepEqual(shown().toSorted(), [
      ['', false, false],
      ['newleaf', true, true],
    ]);
    makeToken({ ...asked, label: 'zwei Wörter' });
    assert.equal(shown().length, 3);
  });

  test('opens with its PIN', async () => {
    const token = await openToken({ module: MODULE, token: 'newleaf', uri: undefined, pin: '123456' });
    await token.generate('newleaf-a', 'ec-p256', freshId());
  });

  test('is never made over another', async () => {
    assert.throws(() => makeToken({ ...asked, pin: '999999' }), { name: 'TokenError', code: 'TOKEN_EXISTS' });
    const token = await openToken({ module: MODULE, token: 'newleaf', uri: undefined, pin: '123456' });
    assert.notEqual(await token.find('newleaf-a'), undefined);
  });

  test('a PIN that the token does not take is named, and the token can be completed', () => {
    const odd = { ...asked, label: 'short', pin: '12' };
    assert.throws(() => makeToken(odd), { kind: 'pin', code: 'CKR_PIN_LEN_RANGE' });
    assert.deepEqual(
      shown().find(([label]) => label === 'short'),
      ['short', true, false],
    );
    makeToken({ ...odd, pin: '123456' });
    assert.deepEqual(
      shown().find(([label]) => label === 'short'),
      ['short', true, true],
    );
  });
});
