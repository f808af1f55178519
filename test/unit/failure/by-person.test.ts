import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forIssuer } from '../../../agent/cli/instance.ts';
import { parseConfig } from '../../../agent/config/config.ts';
import { byPerson } from '../../../agent/failure/by-person.ts';
import { CODES } from '../../../agent/failure/failure.ts';
import { CONFIG } from '../cli/gateway.ts';

const BROUGHT = '`newleaf csr`, have it signed, then `newleaf install FILE`';

test('no advice for a gateway whose leaves a person brings has a roll, which newleaf refuses there', () => {
  for (const [code, { advice, ...more }] of Object.entries(CODES))
    for (const text of [advice, 'inCheck' in more ? more.inCheck : ''])
      assert.doesNotMatch(byPerson(text), /newleaf roll(?! --discard)/, code);
  assert.match(byPerson(CODES['NL-TOKEN-MISSING'].advice), new RegExp(`\`systemctl start newleaf\`, ${BROUGHT}\\.$`));
  assert.equal(byPerson('`newleaf roll --discard`'), '`newleaf roll --discard`');
});

test('a command knows the issuer from the configuration, which only such a text needs', () => {
  const by = (issuer: string) => () =>
    parseConfig(CONFIG.replace(/^issuer = .*$/m, `issuer = "${issuer}"`), '/n').config;
  const roll = 'Get another: `newleaf roll --wait`.';
  for (const issuer of ['inbox', 'hub']) assert.equal(forIssuer(by(issuer))(roll), `Get another: ${BROUGHT}.`);
  for (const issuer of ['est', 'none']) assert.equal(forIssuer(by(issuer))(roll), roll);
  assert.equal(forIssuer(() => assert.fail('it is read'))('`newleaf csr`'), '`newleaf csr`');
});
