import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { TYPESCRIPT } from '../../typescript.ts';

const NEWLEAF = join(import.meta.dirname, '../../../agent/main.ts');

test('an output that takes nothing more ends a command with a sentence, and no stack', () => {
  const line = `exec ${process.execPath} ${TYPESCRIPT.join(' ')} ${NEWLEAF} version >/dev/full`;
  const { status, stderr } = spawnSync('sh', ['-c', line], { encoding: 'utf8' });
  assert.equal(stderr, 'The output cannot be written (ENOSPC: no space left on device, write).\n');
  assert.equal(status, 1);
});
