import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { archive } from '../../../../agent/cli/bundle/archive.ts';
import { scratch } from '../../state/disk.ts';

test('tar reads it: names, modes, times, and every byte', (t) => {
  const place = scratch(t);
  const directory = `newleaf-support-${'x'.repeat(64)}-20261125T134953Z`;
  const sizes = [0, 1, 511, 512, 513, 100_000];
  const files = sizes.map((size) => ({ name: `file-${size}.txt`, content: Buffer.alloc(size, 'ä') }));
  files.push({ name: 'n'.repeat(100), content: Buffer.from('long') });
  const at = Date.parse('2026-11-25T13:49:53Z');
  writeFileSync(join(place, 'it.tar.gz'), archive(directory, files, at));
  const listed = execFileSync('tar', ['--utc', '-tvzf', 'it.tar.gz'], {
    cwd: place,
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
  });
  assert.equal(listed.match(/^-rw------- root\/root +\d+ 2026-11-25 13:49 /gm)?.length, files.length);
  execFileSync('tar', ['-xzf', 'it.tar.gz'], { cwd: place });
  for (const { name, content } of files) assert.deepEqual(readFileSync(join(place, directory, name)), content);
});
