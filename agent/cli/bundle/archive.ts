import { gzipSync } from 'node:zlib';

export interface Enclosed {
  readonly name: string;
  readonly content: Buffer;
}

const BLOCK = 512;

/**
 * A .tar.gz with these files in one directory. The format is ustar (POSIX.1-1988, pax(1) "ustar Interchange Format"), which
 * every tar reads; not every gateway has a tar to write it with, and busybox's knows other options than GNU's.
 * @param directory at most 155 bytes; names at most 100
 * @param at of all files, milliseconds since the epoch
 */
export function archive(directory: string, files: readonly Enclosed[], at: number): Buffer {
  const blocks = files.flatMap(({ name, content }) => [
    header(directory, name, content.length, at),
    content,
    Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK),
  ]);
  // "At the end of the archive file there shall be two 512-byte blocks filled with binary zeros."
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]));
}

const octal = (value: number, width: number): string => value.toString(8).padStart(width - 1, '0');

function header(directory: string, name: string, size: number, at: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const put = (text: string, offset: number) => block.write(text, offset, 'latin1');
  put(name, 0);
  put(octal(0o600, 8), 100);
  put(octal(0, 8), 108);
  put(octal(0, 8), 116);
  put(octal(size, 12), 124);
  put(octal(Math.floor(at / 1000), 12), 136);
  put('        ', 148);
  put('0', 156);
  put('ustar', 257);
  put('00', 263);
  put('root', 265);
  put('root', 297);
  put(directory, 345);
  // "The chksum field shall be [...] the simple sum of all octets in the header", itself counted as blanks.
  const sum = block.reduce((before, byte) => before + byte, 0);
  put(`${octal(sum, 7)}\0`, 148);
  return block;
}
