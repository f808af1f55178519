import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type TestContext, test } from 'node:test';
import { filesOfToken } from '../faulty/cut-login.ts';
import { cutLoginContract, openers } from './cut-logins.ts';
import { softHsm } from './softhsm.ts';

cutLoginContract(softHsm, ({ directory }) => filesOfToken(directory).object);

async function staged(t: TestContext) {
  const at = softHsm();
  t.after(() => at.remove());
  const { signs } = await openers(at);
  const run = (file: string, ...words: readonly string[]) =>
    execFileSync(file, words, { env: { ...process.env, ...at.environment }, stdio: 'pipe' });
  return { at, signs, run, files: filesOfToken(at.directory) };
}

test('SoftHSM ignores the copy, and removes it with the token', async (t) => {
  const { at, signs, run, files } = await staged(t);
  const objects = () => run('pkcs11-tool', '--module', at.module, '--login', '--pin', at.pin, '--list-objects');
  signs();
  assert.ok(existsSync(files.copy));
  const listed = objects();
  writeFileSync(`${files.copy}-draft`, 'left by a kill');
  assert.deepEqual(objects(), listed);
  run('softhsm2-util', '--delete-token', '--token', at.token);
  assert.deepEqual(readdirSync(dirname(files.token)), []);
});

test('a token that another program has initialised again, with another PIN, is not put back', async (t) => {
  const { at, signs, run, files } = await staged(t);
  signs();
  const before = readFileSync(files.copy);
  const again = ['--init-token', '--token', at.token, '--label', at.token, '--pin', '654321', '--so-pin', '56785678'];
  run('softhsm2-util', ...again);
  assert.equal(signs(), 'pin', 'the one before opens it no more');
  assert.match(signs('654321'), /^has [0-9a-f]{32}\nsigned$/);
  assert.notDeepEqual(readFileSync(files.copy), before);
});
