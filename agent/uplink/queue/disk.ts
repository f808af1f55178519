import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { makeDirectory, syncDirectory } from '../../state/durable.ts';
import { slowWork } from '../slow-work.ts';

/** A file as the queue uses it. Every call may throw an error of the system. */
export interface DiskFile {
  /** Fewer bytes at the end of the file. */
  read(length: number, position: number): Promise<Buffer>;
  /** @returns how many bytes were written: fewer than all where the disk is full */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** fdatasync(2): also the length of the file, as it is needed to read it. */
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

/** The calls to the file system, all of them: a test makes each one fail in turn, and cuts the power after it. */
export interface Disk {
  /** Makes a missing one, durably. @throws Fault NL-STATE-WRITE */
  makeDirectory(path: string): Promise<void>;
  list(path: string): Promise<readonly string[]>;
  size(path: string): Promise<number>;
  /** `w` makes a file, or empties it; `r+` writes into one that is there. */
  open(path: string, flags: 'r' | 'r+' | 'w'): Promise<DiskFile>;
  remove(path: string): Promise<void>;
  /** Also onto a file that is there. */
  rename(from: string, to: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
}

export const systemDisk: Disk = {
  makeDirectory,
  list: (path) => readdir(path),
  size: async (path) => (await stat(path)).size,
  async open(path, flags) {
    const file = await open(path, flags, 0o600);
    return {
      async read(length, position) {
        const buffer = Buffer.allocUnsafe(length);
        const { bytesRead } = await file.read(buffer, 0, length, position);
        return buffer.subarray(0, bytesRead);
      },
      write: async (bytes, position) => (await file.write(bytes, 0, bytes.length, position)).bytesWritten,
      datasync: () => slowWork.take(() => file.datasync()),
      truncate: (length) => file.truncate(length),
      close: () => file.close(),
    };
  },
  remove: (path) => rm(path),
  rename,
  syncDirectory: (path) => slowWork.take(() => syncDirectory(path)),
};

/** Writes all of it. @throws the error of write(2): ENOSPC also where the disk took a part and then nothing */
export async function writeWhole(file: DiskFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const written = await file.write(done === 0 ? bytes : bytes.subarray(done), position + done);
    if (written === 0) throw Object.assign(new Error('ENOSPC: write'), { code: 'ENOSPC' });
    done += written;
  }
}
