import assert from 'node:assert/strict';
import { chownSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readSecret, writeSecret } from '../../../../agent/cli/init/secret.ts';
import { scratch } from '../../state/disk.ts';

const account = { name: 'nobody', uid: 65534, gid: 65534, home: '/nonexistent' };

describe('secrets in a directory of the daemon', { skip: process.getuid?.() !== 0 }, () => {
  test('the one for the daemon is the daemon’s, and what a link in its place leads to stays as it is', async (t) => {
    const [directory, outside] = [scratch(t), join(scratch(t), 'outside')];
    chownSync(directory, account.uid, account.gid);
    writeFileSync(outside, 'of root');
    const path = join(directory, 'pin');
    symlinkSync(outside, path);
    await writeSecret({ account }, path, '4711', 'daemon');
    const { uid, mode } = lstatSync(path);
    assert.deepEqual([uid, mode & 0o777, await readSecret(path)], [account.uid, 0o600, '4711']);
    assert.deepEqual([lstatSync(outside).uid, readFileSync(outside, 'utf8')], [0, 'of root']);
  });

  test('what is kept for root is not the daemon’s to read: it may come from behind such a link', async (t) => {
    const directory = scratch(t);
    chownSync(directory, account.uid, account.gid);
    const path = join(directory, 'pin.bak');
    await writeSecret({ account }, path, 'of root', 'caller');
    assert.deepEqual([lstatSync(path).uid, lstatSync(path).mode & 0o777], [0, 0o600]);
  });
});
