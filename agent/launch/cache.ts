import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

const WRITABLE_BY_OTHERS = 0o022;
const HEAD = Buffer.from(`${process.version} ${process.arch}\n`);

export const cacheOf = (file: string): string => file.replace(/\.js$/, '.cache');

/**
 * The content of a file with the code cache of a source: the source, and the cache twice, to be compared. A digest would need
 * node:crypto, which `help` loads for nothing else.
 */
export const sealed = (source: Uint8Array, cached: Uint8Array): Buffer => Buffer.concat([HEAD, source, cached, cached]);

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
      const begin = HEAD.length + source.length;
      const half = (whole.length - begin) / 2;
      const cached = whole.subarray(begin, begin + half);
      const isWhole = half > 0 && cached.equals(whole.subarray(begin + half));
      return isWhole && whole.subarray(HEAD.length, begin).equals(source) && whole.subarray(0, HEAD.length).equals(HEAD)
        ? cached
        : undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    // Without it the start takes longer, and that is all.
    return undefined;
  }
}
