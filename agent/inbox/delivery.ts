import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../roll/failure.ts';

/** Something that lies in the inbox. */
export interface Delivery {
  readonly name: string;
  readonly path: string;
  /** Differs as soon as somebody has written to it, or put another one in its place. */
  readonly mark: string;
  /** Milliseconds since the epoch, by the clock of whoever wrote it. */
  readonly writtenAt: number;
}

/** A chain of ten certificates with large keys is a tenth of it. */
const LARGEST_DELIVERY = 256 * 1024;

/** What editors, browsers, rsync and scp call a file that is not complete; and our own answers. */
const UNFINISHED = /^\.|(\.tmp|\.part|\.reason|~)$/;

const markOf = ({ ino, size, mtimeMs }: Stats): string => `${ino} ${size} ${mtimeMs}`;

/** What lies there, oldest first. Throws the error of readdir(3). */
export async function deliveriesIn(directory: string): Promise<Delivery[]> {
  const names = (await readdir(directory)).filter((name) => !UNFINISHED.test(name));
  const found = await Promise.all(names.map((name) => deliveryAt(directory, name)));
  return found
    .filter((one) => one !== undefined)
    .sort((one, other) => one.writtenAt - other.writtenAt || (one.name < other.name ? -1 : 1));
}

/** Undefined where it has gone meanwhile. */
async function deliveryAt(directory: string, name: string): Promise<Delivery | undefined> {
  const path = join(directory, name);
  const stats = await lstat(path).catch(() => undefined);
  return stats && { name, path, mark: markOf(stats), writtenAt: stats.mtimeMs };
}

/** Nobody has touched it since it was found. */
export async function isUntouched({ path, mark }: Delivery): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  return stats !== undefined && markOf(stats) === mark;
}

/** @throws Fault NL-LEAF-PARSE, which says what is in the way */
export async function contentOf({ name, path }: Delivery): Promise<Buffer> {
  try {
    // A link could lead to a file that only the daemon may read, and a pipe would be waited for.
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
