import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { onDisk } from '../package/installed.ts';
import type { Engine } from './engine.ts';

/**
 * An image that the page names, made of this program of the machine: there is no registry here.
 * @param changes as of `docker import`
 */
export async function makeImage(engine: Engine, program: string, tag: string, ...changes: readonly string[]) {
  const root = onDisk('image');
  // Another user enters it.
  chmodSync(root, 0o755);
  try {
    const linked = execFileSync('ldd', [program]).toString();
    const libraries = [...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
    execFileSync('cp', ['--parents', '--dereference', program, ...libraries, root]);
    const archive = `${root}.tar`;
    execFileSync('tar', ['--create', '--file', archive, '--directory', root, '.']);
    const imported = await engine.call('import', ...changes.flatMap((one) => ['--change', one]), archive, tag);
    assert.equal(imported.code, 0, imported.err);
  } finally {
    for (const path of [root, `${root}.tar`]) rmSync(path, { recursive: true, force: true });
  }
}
