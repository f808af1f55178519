import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hiddenTokens } from '../../../hsm/hidden-tokens.ts';
import { TYPESCRIPT } from '../../typescript.ts';

const MODULE = '/usr/lib/softhsm/libsofthsm2.so';

function tokens(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-closed-'));
  t.after(() => rmSync(directory, { recursive: true }));
  chmodSync(directory, 0o755);
  const conf = join(directory, 'softhsm2.conf');
  writeFileSync(conf, `# of a test\ndirectories.tokendir = ${directory}/tokens\nobjectstore.backend = file\n`);
  mkdirSync(join(directory, 'tokens/one'), { recursive: true });
  return { directory, conf, token: join(directory, 'tokens/one') };
}

/** As the user "nobody", in a process of its own: root may read everything. */
function asNobody(conf: string, module: string): { message: string; advice: string } | undefined {
  const file = new URL('../../../hsm/hidden-tokens.ts', import.meta.url).pathname;
  const code = `import(${JSON.stringify(file)}).then(({ hiddenTokens }) => {
    process.setgroups([]); process.setgid(65534); process.setuid(65534);
    console.log(JSON.stringify(hiddenTokens(${JSON.stringify(module)}, { SOFTHSM2_CONF: ${JSON.stringify(conf)} }) ?? null));
  })`;
  const cwd = new URL('../../../', import.meta.url).pathname;
  return (
    JSON.parse(execFileSync(process.execPath, [...TYPESCRIPT, '-e', code], { cwd, encoding: 'utf8' })) ?? undefined
  );
}

test('a token that everybody may read is not closed, and other modules are not looked at', (t) => {
  const { conf } = tokens(t);
  assert.equal(hiddenTokens(MODULE, { SOFTHSM2_CONF: conf }), undefined);
  assert.equal(hiddenTokens('/usr/lib/opensc-pkcs11.so', { SOFTHSM2_CONF: conf }), undefined);
  assert.equal(hiddenTokens(MODULE, { SOFTHSM2_CONF: '/nowhere' }), undefined);
});

test('a token of root: which user, which directory, which command', {
  skip: process.geteuid?.() !== 0 && 'needs root',
}, (t) => {
  const { directory, conf, token } = tokens(t);
  chmodSync(token, 0o700);
  const told = asNobody(conf, MODULE);
  assert.match(told?.message ?? '', new RegExp(`^The user nobody may not read ${token}, where a token of SoftHSM is`));
  assert.equal(told?.advice, `If it is the token of this gateway: \`chown -R nobody: ${token}\``);
  chmodSync(join(directory, 'tokens'), 0o700);
  assert.match(asNobody(conf, MODULE)?.advice ?? '', new RegExp(`chown -R nobody: ${directory}/tokens\`$`));
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
