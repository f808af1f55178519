import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

const DIGEST_BYTES = 32;
const WRITABLE_BY_OTHERS = 0o022;

export const cacheOf = (file: string): string => file.replace(/\.js$/, '.cache');

/** The content of a file with the code cache of a source. */
export const sealed = (source: Uint8Array, cached: Uint8Array): Buffer =>
  Buffer.concat([digestOf(source, cached), cached]);

/**
 * What V8 made of a source when newleaf was installed; undefined where there is nothing that fits: it belongs to another program,
 * Node or processor, it is damaged, or another user than root could have written it. Of these V8 looks at its own version and
 * flags, and at the length of the source.
 */
export function readCache(path: string, source: Uint8Array): Buffer | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      const { uid, mode } = fstatSync(file);
      if (uid !== 0 || (mode & WRITABLE_BY_OTHERS) !== 0) return undefined;
      const whole = readFileSync(file);
      const cached = whole.subarray(DIGEST_BYTES);
      return digestOf(source, cached).equals(whole.subarray(0, DIGEST_BYTES)) ? cached : undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    // Without it the start takes longer, and that is all.
    return undefined;
  }
}

const digestOf = (source: Uint8Array, cached: Uint8Array): Buffer =>
  createHash('sha256').update(`${process.version} ${process.arch}\n`).update(source).update(cached).digest();
