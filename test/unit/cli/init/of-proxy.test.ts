import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InitAnswers } from '../../../../agent/cli/init/guide.ts';
import { otherwise } from '../../../../agent/cli/init/prove.ts';
import { type Code, failure } from '../../../../agent/failure/failure.ts';

const rows: readonly (readonly [code: Code, user: string | undefined, isAskedAgain: boolean, advice: RegExp])[] = [
  ['NL-NETWORK-PROXY', undefined, false, /^Name the right one with --proxy; /],
  ['NL-NETWORK-PROXY', undefined, true, /^Enter asks for the proxy again; /],
  ['NL-NETWORK-PROXY-AUTH', undefined, false, /^Add --proxy-user and --proxy-password-file; /],
  ['NL-NETWORK-PROXY-AUTH', 'x', false, /^Correct --proxy-user and --proxy-password-file; /],
  ['NL-NETWORK-PROXY-AUTH', 'x', true, /^Enter asks for user name and password; /],
  ['NL-NETWORK-PROXY-REFUSED', undefined, false, /^Operator of the proxy: /],
];

for (const [code, user, isAskedAgain, expected] of rows) {
  test(`${code}, ${user ? 'with' : 'without'} a user name, ${isAskedAgain ? 'asked again' : 'by options'}`, () => {
    const answers = new InitAnswers(new Map(user === undefined ? [] : [['network.proxy_username', user]]));
    const { advice } = otherwise(answers, failure(code), isAskedAgain);
    assert.match(advice, expected);
    assert.doesNotMatch(advice, /network\.proxy|newleaf check/, 'nothing is written yet');
  });
}

test('what has no answer is in effect as the place of the configuration has it: two daemons share no state', () => {
  const at = (...file: string[]) => new InitAnswers(new Map(), ...file).inEffect('state.directory');
  assert.deepEqual([at(), at('/etc/newleaf/plant/newleaf.toml')], ['/var/lib/newleaf', '/var/lib/newleaf@plant']);
});
