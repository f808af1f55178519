import assert from 'node:assert/strict';
import { chmodSync, chownSync, linkSync, lstatSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { entrust } from '../../../agent/machine/give-directory.ts';
import { scratch } from '../state/disk.ts';

const NOBODY = { name: 'nobody', uid: 65534, gid: 65534, home: '/nonexistent' };
const owner = (path: string) => lstatSync(path).uid;

describe('a directory for the daemon', { skip: process.getuid?.() !== 0 }, () => {
  test('is made where it is missing', async (t) => {
    const directory = scratch(t);
    const path = join(directory, 'deep', 'state');
    await entrust(path, NOBODY, { mode: 0o700 });
    assert.deepEqual([owner(path), lstatSync(path).mode & 0o777], [NOBODY.uid, 0o700]);
    assert.equal(owner(join(directory, 'deep')), 0);
  });

  test('is taken over from root with all that is in it where it is known, but not what links lead to', async (t) => {
    const directory = scratch(t);
    const [state, outside] = [join(directory, 'state'), join(directory, 'outside')];
    mkdirSync(join(state, 'csr'), { recursive: true });
    writeFileSync(outside, '');
    writeFileSync(join(state, 'csr', 'x.pem'), '');
    symlinkSync(outside, join(state, 'soft'));
    linkSync(outside, join(state, 'hard'));
    await entrust(state, NOBODY, { mode: 0o700, known: state });
    for (const path of [state, join(state, 'csr'), join(state, 'csr', 'x.pem'), join(state, 'soft')])
      assert.equal(owner(path), NOBODY.uid, path);
    assert.equal(owner(outside), 0);
  });

  test('that holds something of root and is not known, or is of somebody else, is left alone', async (t) => {
    const directory = scratch(t);
    const at = (name: string) => join(directory, name);
    mkdirSync(at('held'));
    writeFileSync(join(at('held'), 'x'), '');
    mkdirSync(at('other'));
    chownSync(at('other'), 4711, 4711);
    writeFileSync(at('file'), '');
    const paths = ['held', 'other', 'file'].map(at);
    for (const path of paths) await entrust(path, NOBODY, { mode: 0o700 });
    assert.deepEqual(paths.map(owner), [0, 4711, 0]);
  });

  test('a member of the group who puts a link in place of a directory gets nothing of root', async (t) => {
    const [state, etc] = [join(scratch(t), 'state'), scratch(t)];
    const inner = join(state, 'inbox', 'inner');
    mkdirSync(inner, { recursive: true });
    chmodSync(join(state, 'inbox'), 0o2770);
    writeFileSync(join(inner, 'file'), '');
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
    await assert.rejects(entrust(state, NOBODY, { mode: 0o750, known: state }), /NL-STATE-WRITE .* cannot be given/);
    assert.deepEqual([etc, join(etc, 'shadow')].map(owner), [0, 0]);
  });
});
