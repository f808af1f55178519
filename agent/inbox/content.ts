import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { Fault } from '../failure/failure.ts';
import type { Delivery } from './file.ts';

/** A chain of ten certificates with large keys is a tenth of it. */
const LARGEST_DELIVERY = 256 * 1024;

/** @throws Fault NL-LEAF-PARSE with the reason */
export async function contentOf({ name, path }: Delivery): Promise<Buffer> {
  try {
    // A link could lead to a file that only the daemon may read, and a pipe would make it wait.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = await file.stat();
      if (!stats.isFile()) throw irregular(name);
      if (stats.size > LARGEST_DELIVERY) throw tooLarge(name, stats.size);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(stats.size), 0, stats.size, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    // open(2): ELOOP for a link that O_NOFOLLOW does not follow, ENXIO for a socket.
    if (code === 'ELOOP' || code === 'ENXIO') throw irregular(name);
    const advice = 'Make it readable for the user that newleaf runs as, and put it into the inbox again.';
    throw new Fault('NL-LEAF-PARSE', { message: `${name} cannot be read.`, cause, advice });
  }
}

const irregular = (name: string): Fault =>
  new Fault('NL-LEAF-PARSE', {
    message: `${name} is not a regular file.`,
    advice: 'Put the file itself into the inbox.',
  });

const tooLarge = (name: string, size: number): Fault =>
  new Fault('NL-LEAF-PARSE', {
    message: `${name} has ${size} bytes; ${LARGEST_DELIVERY} are more than enough for a chain.`,
    advice: 'Put only the leaf and its intermediates into the inbox.',
  });
