import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A small file system, to fill up or to make read-only. Mounting needs root, so its tests are named *.deep.test.ts. */
export function tinyDisk(t: TestContext, options = 'size=64k'): { path: string; makeReadOnly(): void } {
  const path = mkdtempSync(join(tmpdir(), 'newleaf-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'newleaf-test', path]);
  t.after(() => {
    execFileSync('umount', [path]);
    rmSync(path, { recursive: true });
  });
  return { path, makeReadOnly: () => execFileSync('mount', ['-o', 'remount,ro', path]) };
}
