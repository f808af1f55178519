import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createJournal } from '../../../agent/state/journal.ts';
import { fault } from './disk.ts';
import { tinyDisk } from './tiny-disk.ts';

interface Entry {
  readonly phase: string;
  readonly trail?: readonly string[];
}

function validate(entry: unknown): Entry {
  if (typeof entry === 'object' && entry !== null && 'phase' in entry && typeof entry.phase === 'string')
    return entry as Entry;
  throw new Error('the phase is missing');
}

const open = (directory: string) =>
  createJournal({ directory, validate, now: () => Date.parse('2030-01-01T00:00:00Z') });

test('a full disk keeps the last entry, and space brings the next one', async (t) => {
  const disk = tinyDisk(t);
  const journal = open(disk.path);
  await journal.write({ phase: 'serving' });
  await assert.rejects(journal.write({ phase: 'x'.repeat(80_000) }), fault('NL-STATE-WRITE', /no space is left/));
  assert.deepEqual(await journal.read(), { phase: 'serving' });
  await journal.write({ phase: 'registering' });
  assert.deepEqual(await journal.read(), { phase: 'registering' });
});
