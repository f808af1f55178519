import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cutLogin, filesOfToken } from '../faulty/cut-login.ts';
import { bundled } from './bench.ts';
import { softHsm } from './softhsm.ts';

const LABEL = 'newleaf-a';

/** A SoftHSM, and processes that open it by hsm/ and sign. */
async function staged(t: TestContext) {
  const at = softHsm();
  t.after(() => at.remove());
  const login = cutLogin(at.directory);
  const [program = '', ...args] = await bundled('sign-child', at.directory);
  const env = { ...process.env, ...at.environment, ...login.environment };
  const told = { module: at.module, token: at.token, pin: at.pin, pinRecord: at.directory, label: LABEL };
  /** What it says, or the signal that ended it. */
  const signs = (pin = at.pin) => {
    const child = spawnSync(program, [...args, JSON.stringify({ ...told, pin })], {
      env,
      input: 'sign\n',
      encoding: 'utf8',
    });
    return child.signal ?? child.stdout.trim();
  };
  const util = (...words: readonly string[]) => execFileSync('softhsm2-util', words, { env, stdio: 'pipe' });
  const objects = () =>
    execFileSync('pkcs11-tool', ['--module', at.module, '--login', '--pin', at.pin, '--list-objects'], {
      env,
      stdio: 'pipe',
    });
  return { at, login, signs, util, objects, files: filesOfToken(at.directory) };
}

test('a process is killed in each of its logins: the next one has the key', async (t) => {
  const { login, signs, files } = await staged(t);
  const first = signs();
  assert.match(first, /^has [0-9a-f]{32}\nsigned$/);
  for (let times = 0; times < 10; times += 1) {
    login.lay();
    assert.equal(signs(), 'SIGKILL');
    assert.equal(files.size(), 0);
    // And again, in the login that would follow.
    login.lay();
    assert.equal(signs(), 'SIGKILL');
    assert.equal(signs(), first);
  }
});

test('SoftHSM ignores the copy, and removes it with the token', async (t) => {
  const { at, signs, util, objects, files } = await staged(t);
  signs();
  assert.ok(existsSync(files.copy));
  const listed = objects();
  writeFileSync(`${files.copy}-draft`, 'left by a kill');
  assert.deepEqual(objects(), listed);
  util('--delete-token', '--token', at.token);
  assert.deepEqual(readdirSync(dirname(files.token)), []);
});

test('a token that another program has initialised again, or given another PIN, is not put back', async (t) => {
  const { at, signs, util, files } = await staged(t);
  signs();
  const before = readFileSync(files.copy);
  util('--init-token', '--token', at.token, '--label', at.token, '--pin', '654321', '--so-pin', '56785678');
  assert.equal(signs(), 'pin', 'the one before opens it no more');
  assert.match(signs('654321'), /^has [0-9a-f]{32}\nsigned$/);
  assert.notDeepEqual(readFileSync(files.copy), before);
});
