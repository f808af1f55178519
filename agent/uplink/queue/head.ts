import { crc32 } from 'node:zlib';
import type { Disk, DiskFile } from './disk.ts';

const MARK = Buffer.from('NLH1', 'latin1');
const BYTES = 14;
const CRC_AT = BYTES - 4;

/** The longest time that a dropped message is not noted, in milliseconds, and the most dropped messages that are not. */
const NOTE_MS = 1000;
const NOTE_DROPS = 64;

const encodeHead = (sequence: number): Buffer => {
  const bytes = Buffer.alloc(BYTES);
  MARK.copy(bytes);
  bytes.writeUIntBE(sequence, MARK.length, 6);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT);
  return bytes;
};

/** Where the note is absent or lost, messages that were dropped come again, and none is lost. */
export async function readHead(disk: Disk, path: string): Promise<number | 'absent' | 'lost'> {
  try {
    const file = await disk.open(path, 'r');
    try {
      return decodeHead(await file.read(BYTES, 0)) ?? 'lost';
    } finally {
      await file.close();
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'absent' : 'lost';
  }
}

function decodeHead(bytes: Buffer): number | undefined {
  if (bytes.length !== BYTES || bytes.compare(MARK, 0, MARK.length, 0, MARK.length) !== 0) return undefined;
  const isGood = crc32(bytes.subarray(0, CRC_AT)) === bytes.readUInt32BE(CRC_AT);
  return isGood ? bytes.readUIntBE(MARK.length, 6) : undefined;
}

/**
 * Notes the first message that is not dropped. In place, which is one sector, and not synced: an old note costs duplicates
 * only, and the flash lives longer. No timer runs where all is noted.
 */
export class Head {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #complain: (error: unknown) => void;
  #sequence: number;
  #noted: number;
  #drops = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #isComplained = false;
  #isClosed = false;

  constructor(disk: Disk, path: string, sequence: number, complain: (error: unknown) => void) {
    this.#disk = disk;
    this.#path = path;
    this.#complain = complain;
    this.#sequence = sequence;
    this.#noted = sequence;
  }

  moved(sequence: number): void {
    this.#sequence = sequence;
    this.#drops += 1;
    if (this.#isClosed) return;
    if (this.#drops >= NOTE_DROPS) this.#note();
    else this.#later();
  }

  /** Notes it durably. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#writing;
    if (this.#noted !== this.#sequence) await this.#write(true);
  }

  #later(): void {
    this.#timer ??= setTimeout(() => this.#note(), NOTE_MS).unref();
  }

  #note(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#noted === this.#sequence) return;
    if (this.#writing !== undefined) {
      this.#later();
      return;
    }
    this.#drops = 0;
    this.#writing = this.#write(false).finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(isSynced: boolean): Promise<void> {
    const sequence = this.#sequence;
    try {
      const file = await this.#open();
      try {
        await file.write(encodeHead(sequence), 0);
        if (isSynced) await file.sync();
      } finally {
        await file.close();
      }
      this.#noted = sequence;
      this.#isComplained = false;
    } catch (error) {
      if (!this.#isComplained) this.#complain(error);
      this.#isComplained = true;
    }
  }

  #open(): Promise<DiskFile> {
    return this.#disk.open(this.#path, 'r+').catch((error) => {
      if (error.code === 'ENOENT') return this.#disk.open(this.#path, 'wx');
      throw error;
    });
  }
}
