import { statfs } from 'node:fs/promises';

export const MAKE_ROOM = 'Make room: see `df -h` and `df -i`.';
export const REMOUNT = 'See with `dmesg` why, and mount it for writing again.';

/** A state file has some KiB; it is written beside the old one, and leaf, chain and CSR are written as well. */
const LEAST = { bytes: 64 * 1024, files: 4 };

export interface Room {
  readonly bytes: number;
  /** Infinity where the file system does not count files. */
  readonly files: number;
}

/** How much room a file system has left for this user. @throws the error of the file system */
export async function roomLeft(directory: string): Promise<Room> {
  const { bavail, bsize, files, ffree } = await statfs(directory);
  // A file system without a fixed number of files says 0 of 0.
  return { bytes: bavail * bsize, files: files === 0 ? Number.POSITIVE_INFINITY : ffree };
}

export const isFull = ({ bytes, files }: Room): boolean => bytes < LEAST.bytes || files < LEAST.files;
