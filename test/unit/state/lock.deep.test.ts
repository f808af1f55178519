import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { takeLock } from '../../../agent/state/lock.ts';
import { withOwnMounts } from '../../namespace.ts';
import { TYPESCRIPT } from '../../typescript.ts';
import { fault, scratch } from './disk.ts';
import { tinyDisk } from './tiny-disk.ts';

test('a disk that takes no file keeps no daemon from its work, and there is one all the same', async (t) => {
  const disk = tinyDisk(t);
  disk.makeReadOnly();
  const lock = await takeLock(disk.path);
  await assert.rejects(takeLock(disk.path), fault('NL-DAEMON-RUNS', /already runs/));
  await lock.release();
});

test('a disk that has become read-only has the lock of before, and no other beside it', async (t) => {
  const disk = tinyDisk(t);
  await (await takeLock(disk.path)).release();
  disk.makeReadOnly();
  const lock = await takeLock(disk.path);
  const { status } = spawnSync('flock', ['-n', join(disk.path, 'daemon.lock'), 'true']);
  assert.equal(status, 1);
  await assert.rejects(takeLock(disk.path), fault('NL-DAEMON-RUNS', /already runs/));
  await lock.release();
});

test('two containers on one state directory: the second is refused, with a network and a /run of its own', async (t) => {
  const directory = scratch(t);
  const lock = await takeLock(directory);
  const second = () => {
    const script = `
      import { takeLock } from ${JSON.stringify(new URL('../../../agent/state/lock.ts', import.meta.url).href)};
      await takeLock(${JSON.stringify(directory)}).catch(({ failure }) => process.stdout.write(failure.code));`;
    const node = [process.execPath, ...TYPESCRIPT, '--input-type=module', '-e', script];
    const apart = [
      'unshare',
      '--net',
      '--pid',
      '--ipc',
      '--fork',
      'sh',
      '-c',
      'mount -t tmpfs run /run; exec "$@"',
      'sh',
    ];
    const [program = '', ...args] = [...withOwnMounts(), ...apart, ...node];
    return spawnSync(program, args, { encoding: 'utf8' });
  };
  const { stdout, stderr } = second();
  assert.equal(stdout, 'NL-DAEMON-RUNS', stderr);
  await lock.release();
  assert.equal(second().stdout, '');
});
