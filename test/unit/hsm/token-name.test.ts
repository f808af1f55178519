import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TokenInfo } from 'pkcs11js';
import { tokenName } from '../../../hsm/module.ts';
import { matches, parseUri, uriOf } from '../../../hsm/uri.ts';

const info = (label: string): TokenInfo =>
  ({ label, serialNumber: '0a;1 %           ', manufacturerID: 'maker', model: 'any' }) as TokenInfo;

for (const [what, label] of [
  ['with blanks, as the standard wants it', 'gw                              '],
  ['with zeros', 'gw\0\0\0'],
  ['with a zero and whatever lay in memory after it (cackey)', 'gw\0rubbish   '],
] as const) {
  test(`a label is padded ${what}`, () => assert.equal(tokenName(info(label)).label, 'gw'));
}

test('a token is named by all that it says of itself, so that no other with its label is meant', () => {
  const name = tokenName(info('two; words'));
  assert.ok(matches(name, parseUri(uriOf(name))));
  assert.ok(!matches({ ...name, serial: '2' }, parseUri(uriOf(name))));
});
