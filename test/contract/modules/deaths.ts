import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';
import { bundled } from '../token/bench.ts';
import type { MortalToken } from './servers.ts';

/**
 * What is promised where the server behind a module dies between two signatures: the token is poisoned, which makes the
 * daemon restart, and the new process finds its key. While the server is away, no PIN is refused or counted.
 * @param says the kind of failure that the open process meets
 */
export function deathContract(
  name: string,
  open: () => Promise<MortalToken>,
  says: 'poisoned' | 'key' = 'poisoned',
): void {
  describe(name, async () => {
    const at = await open();
    after(() => at.remove());
    const [program = '', ...args] = await bundled('sign-child', at.directory);

    /** A process that has the token open. `next` gives what it says next. */
    const user = () => {
      const { module, token, pin } = at;
      const env = { ...process.env, ...at.environment };
      const asked = JSON.stringify({ module, token, pin });
      const child = spawn(program, [...args, asked, 'newleaf-a'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const next = async () => String((await lines.next()).value);
      const sign = () => {
        child.stdin.write('\n');
        return next();
      };
      after(() => child.kill('SIGKILL'));
      return { next, sign };
    };

    test(`a process that had the token open is told (${says}), and the next one goes on`, async () => {
      const before = user();
      const has = await before.next();
      assert.match(has, /^has [0-9a-f]{32}$/);
      assert.equal(await before.sign(), 'signed');
      at.die();
      assert.equal(await before.sign(), says);

      const meanwhile = user();
      assert.match(await meanwhile.next(), /^(missing|module|failed)$/);
      await at.revive();
      assert.notEqual(await before.sign(), 'pin');

      const next = user();
      assert.equal(await next.next(), has);
      assert.equal(await next.sign(), 'signed');
    });
  });
}
