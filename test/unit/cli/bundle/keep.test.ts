import assert from 'node:assert/strict';
import { chmodSync, chownSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { keep } from '../../../../agent/cli/bundle/keep.ts';
import { fault, scratch } from '../../state/disk.ts';

const SUDO = { SUDO_UID: '65534', SUDO_GID: '65534' };
const content = Buffer.from('bundle');

describe('the bundle of root', { skip: process.getuid?.() !== 0 }, () => {
  for (const [where, owner, mode, expected] of [
    ['in the directory of the user who called sudo: that user has it', 65534, 0o700, 65534],
    ['in one for all: that user has it', 0, 0o1777, 65534],
    ['in one of root: it stays root’s, as a file there may be a right', 0, 0o755, 0],
    ['in one of a third user: it stays root’s', 1234, 0o755, 0],
  ] as const) {
    test(where, async (t) => {
      const directory = scratch(t);
      chmodSync(directory, mode);
      chownSync(directory, owner, owner);
      const path = join(directory, 'bundle.tar.gz');
      await keep(path, content, SUDO);
      const { uid, gid, mode: bits } = lstatSync(path);
      assert.deepEqual([uid, gid, bits & 0o777, readFileSync(path, 'utf8')], [expected, expected, 0o600, 'bundle']);
    });
  }

  test('an error names the path that the person has named', async () => {
    const { failure } = await keep('/proc/bundle.tar.gz', content, SUDO).catch((error) => error);
    assert.match(failure.cause, /^E.* '\/proc\/bundle\.tar\.gz'$/);
  });

  test('a link in its place is not followed, and a file not overwritten', async (t) => {
    const directory = scratch(t);
    const [file, link] = [join(directory, 'file'), join(directory, 'link')];
    writeFileSync(file, 'precious');
    symlinkSync(file, link);
    for (const path of [file, link]) {
      await assert.rejects(keep(path, content, SUDO), fault('NL-STATE-WRITE', /is there already/));
    }
    assert.equal(readFileSync(file, 'utf8'), 'precious');
  });
});
