import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeLock } from '../../../agent/state/lock.ts';
import { fault } from './disk.ts';
import { tinyDisk } from './tiny-disk.ts';

test('a disk that takes no socket keeps no daemon from its work, and there is one all the same', async (t) => {
  const disk = tinyDisk(t);
  disk.makeReadOnly();
  const lock = await takeLock(disk.path);
  await assert.rejects(takeLock(disk.path), fault('NL-DAEMON-RUNS', /already runs/));
  await lock.release();
});
