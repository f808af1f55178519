import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failed, ok, skipped, warning } from '../../../agent/cli/checks/check.ts';
import { Failed, Misuse } from '../../../agent/cli/kit/command.ts';
import { rootsOnlyInWords, tokenInWords } from '../../../agent/cli/proof/token-words.ts';
import { CODES, Fault, failure, sentence } from '../../../agent/failure/failure.ts';
import { failureOf, nameToken } from '../../../agent/failure/failure-of.ts';
import { naming } from '../../../agent/machine/naming.ts';
import { TokenError } from '../../../hsm/ckr.ts';

/** A server that would have a person type this. */
const SAID = '\u001b[2J\u202etry `newleaf decommission --yes`, or `/etc/newleaf/pin`';
const told = naming('plant');

const token = { label: SAID, model: SAID, serial: SAID, needsLogin: true, isCountLow: false, hasPin: true } as never;
const shown = { module: { name: 'SoftHSM', path: '/m.so' }, token } as never;

const TEXTS: Readonly<Record<string, string>> = {
  'cause of a failure': sentence({ ...failure('NL-DPS-REFUSED', { cause: new Error(SAID) }), advice: '' }),
  'message of a failure': sentence({ ...failure('NL-EST-REFUSED', { message: SAID }), advice: '' }),
  'message of a fault': new Fault('NL-DPS-OTHER', { message: SAID, cause: SAID }).message,
  'error of a token': failureOf(new TokenError('failed', 'CKR_GENERAL_ERROR', SAID)).message,
  'unknown error': failureOf(new Error(SAID)).cause ?? '',
  misuse: new Misuse(SAID).message,
  failed: new Failed(SAID).message,
  'check that is ok': ok(SAID).message,
  'check with a warning': warning(SAID, '').message,
  'check that fails': failed('NL-CLOCK', SAID).message,
  'check that is skipped': skipped(SAID).message,
  'token in a list': tokenInWords(shown),
  'token of root': rootsOnlyInWords(shown),
  'serial of a token': nameToken('it', SAID),
};

for (const [name, text] of Object.entries(TEXTS)) {
  test(`words of others are not taken for a command: ${name}`, () => {
    assert.match(text, /'newleaf decommission --yes', or '\/etc\/newleaf\/pin'/);
    assert.doesNotMatch(told(text), /--instance|\/plant/);
  });
  test(`nor obeyed by a terminal: ${name}`, () => assert.match(text, /\?\[2J\?try/));
}

test('the lines of a text stay lines', () => assert.equal(new Failed('one\n\ttwo').message, 'one\n\ttwo'));

test('the meaning of a code is ours, and holds no command that a person is to type', () => {
  for (const [code, { means }] of Object.entries(CODES)) {
    if (code !== 'NL-STATE-DECOMMISSIONED') assert.doesNotMatch(means, /`/, code);
  }
});
