import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { cacheOf, sealed } from './cache.ts';
import { load } from './load.ts';

/**
 * Writes the code cache of a file beside it: called by what installs newleaf, as root. The flags of V8 must be those of a start.
 * @returns whether V8 takes it
 */
export async function writeCache(file: string): Promise<boolean> {
  const { rehearse, source, compiled } = load(file);
  // Where it does not go to its end, as on a full disk, less is compiled before it is called.
  await rehearse().catch(() => {});
  const [path, next] = [cacheOf(file), `${cacheOf(file)}.new`];
  const made = openSync(next, 'w', 0o644);
  try {
    writeFileSync(made, sealed(source, compiled()));
    fsyncSync(made);
  } finally {
    closeSync(made);
  }
  renameSync(next, path);
  return load(file).isCached;
}
