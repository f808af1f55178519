import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hiddenTokens } from '../../../hsm/hidden-tokens.ts';
import { testAsOthers } from '../../as-others.ts';
import { scratch } from '../state/disk.ts';

const MODULE = '/usr/lib/softhsm/libsofthsm2.so';

function tokens(t: TestContext) {
  const directory = scratch(t);
  const conf = join(directory, 'softhsm2.conf');
  writeFileSync(conf, `# of a test\ndirectories.tokendir = ${directory}/tokens\nobjectstore.backend = file\n`);
  mkdirSync(join(directory, 'tokens/one'), { recursive: true });
  return { directory, conf, token: join(directory, 'tokens/one') };
}

test('a token that everybody may read is not closed, and other modules are not looked at', (t) => {
  const { conf } = tokens(t);
  assert.equal(hiddenTokens(MODULE, { SOFTHSM2_CONF: conf }), undefined);
  assert.equal(hiddenTokens('/usr/lib/opensc-pkcs11.so', { SOFTHSM2_CONF: conf }), undefined);
  assert.equal(hiddenTokens(MODULE, { SOFTHSM2_CONF: '/nowhere' }), undefined);
});

testAsOthers(import.meta.filename, 'a closed token: which user, which directory, which command', (t) => {
  const { directory, conf, token } = tokens(t);
  const told = () => hiddenTokens(MODULE, { SOFTHSM2_CONF: conf });
  const { username } = userInfo();
  chmodSync(token, 0);
  assert.deepEqual(told(), {
    message: `The user ${username} may not read ${token}, where a token of SoftHSM is: root sees more there.`,
    advice: `If it is the token of this gateway: \`chown -R ${username}: ${token}\``,
  });
  chmodSync(join(directory, 'tokens'), 0);
  assert.match(told()?.advice ?? '', new RegExp(`chown -R ${username}: ${directory}/tokens\`$`));
});

test('the directory of the tokens is missing: which one, by which setting, and what brings it back', (t) => {
  const { directory, conf } = tokens(t);
  rmSync(join(directory, 'tokens'), { recursive: true });
  const told = hiddenTokens(MODULE, { SOFTHSM2_CONF: conf });
  assert.equal(
    told?.message,
    `There is no ${directory}/tokens, where SoftHSM keeps its tokens (directories.tokendir in softhsm2.conf).`,
  );
  assert.match(
    told?.advice ?? '',
    /^Mount it, or restore it from a backup, then `systemctl restart newleaf`\. .*`newleaf init --new-token softhsm`/,
  );
});

test('a token whose file is empty: the file, and what can be done', (t) => {
  const { conf, token } = tokens(t);
  const at = { SOFTHSM2_CONF: conf };
  writeFileSync(join(token, 'token.object'), 'whole');
  assert.equal(hiddenTokens(MODULE, at), undefined);
  for (const left of ['', '\0'.repeat(320)]) {
    writeFileSync(join(token, 'token.object'), left);
    const told = hiddenTokens(MODULE, at);
    assert.equal(
      told?.message,
      `${token}/token.object is damaged: it is empty, so its module does not show the token.`,
    );
    assert.match(told?.advice ?? '', /backup.*`newleaf init --new-token softhsm`/);
  }
});
