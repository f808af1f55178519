import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { cutLogin } from '../faulty/cut-login.ts';
import { bundled } from './bench.ts';
import type { TestToken } from './softhsm.ts';

/** What a process that opens a token says of it (sign-child.ts), or the signal that ended it. */
export async function openers(at: TestToken) {
  const login = cutLogin(at.directory);
  const [program = '', ...args] = await bundled('sign-child', at.directory);
  const env = { ...process.env, ...at.environment, ...login.environment };
  const told = { module: at.module, token: at.token, pin: at.pin, pinRecord: at.directory, label: 'newleaf-a' };
  const signs = (pin = at.pin) => {
    const asked = [...args, JSON.stringify({ ...told, pin })];
    const child = spawnSync(program, asked, { env, input: 'sign\n', encoding: 'utf8' });
    return child.signal ?? child.stdout.trim();
  };
  return { login, signs };
}

/**
 * What is promised where a module rewrites a file of the token at each login: a process may be killed there.
 * @param fileOf that file
 */
export function cutLoginContract(open: () => TestToken | Promise<TestToken>, fileOf: (at: TestToken) => string): void {
  test('processes are killed in their logins, two in a row: the next one has the key', async (t: TestContext) => {
    const at = await open();
    t.after(() => at.remove());
    const { login, signs } = await openers(at);
    const first = signs();
    assert.match(first, /^has [0-9a-f]{32}\nsigned$/);
    for (let times = 0; times < 10; times += 1) {
      login.lay();
      assert.equal(signs(), 'SIGKILL');
      assert.equal(statSync(fileOf(at)).size, 0);
      login.lay();
      assert.equal(signs(), 'SIGKILL');
      assert.equal(signs(), first);
    }
  });
}
