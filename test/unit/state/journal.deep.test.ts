import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './any-journal.ts';
import { fault } from './disk.ts';
import { tinyDisk } from './tiny-disk.ts';

test('a full disk keeps the last entry, and space brings the next one', async (t) => {
  const disk = tinyDisk(t);
  const journal = open(disk.path);
  await journal.write({ phase: 'serving' });
  await assert.rejects(journal.write({ phase: 'x'.repeat(80_000) }), fault('NL-STATE-WRITE', /no space is left/));
  assert.deepEqual(await journal.read(), { phase: 'serving' });
  await journal.write({ phase: 'registering' });
  assert.deepEqual(await journal.read(), { phase: 'registering' });
});
