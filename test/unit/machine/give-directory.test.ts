import assert from 'node:assert/strict';
import { chmodSync, lstatSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { entrust } from '../../../agent/machine/give-directory.ts';
import { scratch } from '../state/disk.ts';

const account = { name: 'nobody', uid: 65534, gid: 65534, home: '/nonexistent' };

/** A state directory that root has left, with an inbox that the group may write to, and a directory of root in it. */
function left(t: TestContext) {
  const state = join(scratch(t), 'state');
  const inner = join(state, 'inbox', 'inner');
  mkdirSync(inner, { recursive: true });
  chmodSync(join(state, 'inbox'), 0o2770);
  writeFileSync(join(inner, 'file'), '');
  return { state, inner };
}

const ownerOf = (path: string) => lstatSync(path).uid;

describe('a state directory that root has left is given to the daemon', { skip: process.getuid?.() !== 0 }, () => {
  test('a member of the group who puts a link in place of a directory gets nothing of root', async (t) => {
    const { state, inner } = left(t);
    const etc = scratch(t);
    writeFileSync(join(etc, 'shadow'), '');
    const { lstat } = promises;
    const swapping = async (path: string) => {
      const found = await lstat(path);
      if (!path.endsWith('/inner')) return found;
      renameSync(inner, `${inner}.old`);
      symlinkSync(etc, inner);
      return found;
    };
    Object.assign(promises, { lstat: swapping });
    syncBuiltinESMExports();
    t.after(() => {
      Object.assign(promises, { lstat });
      syncBuiltinESMExports();
    });
    await assert.rejects(entrust(state, account, { mode: 0o750, known: state }), /NL-STATE-WRITE .* cannot be given/);
    assert.deepEqual([etc, join(etc, 'shadow')].map(ownerOf), [0, 0]);
  });
});
