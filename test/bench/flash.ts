import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const IMAGE_BYTES = 512 * 1024 * 1024;
const sh = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' }).trim();

/** What has reached a device. */
export interface Written {
  readonly bytes: number;
  /** Cache flushes. */
  readonly flushes: number;
}

/** A file system on a device of its own, which counts what reaches it. As root. */
export class Flash {
  /** Its root. */
  readonly directory: string;
  readonly #place: string;
  readonly #device: string;

  private constructor(place: string, directory: string, device: string) {
    this.#place = place;
    this.directory = directory;
    this.#device = device;
  }

  /** @param type of the file system: ext4, xfs, btrfs */
  static open(type = 'ext4'): Flash {
    const place = mkdtempSync(join(tmpdir(), 'newleaf-flash-'));
    const [image, directory] = [join(place, 'image'), join(place, 'mounted')];
    mkdirSync(directory);
    sh('truncate', '-s', String(IMAGE_BYTES), image);
    sh(`mkfs.${type}`, '-q', image);
    const device = sh('losetup', '--find', '--show', image);
    sh('mount', device, directory);
    return new Flash(place, directory, device);
  }

  /** Since it was made, with all that was written to the file system until now. */
  written(): Written {
    sh('sync', '-f', this.directory);
    return this.reached();
  }

  /** Since it was made, as far as it has reached the device. Fields 7 and 16 of Documentation/block/stat.rst: sectors of 512 bytes, flush requests. */
  reached(): Written {
    const fields = readFileSync(`/sys/block/${basename(this.#device)}/stat`, 'utf8')
      .trim()
      .split(/\s+/)
      .map(Number);
    return { bytes: (fields[6] ?? Number.NaN) * 512, flushes: fields[15] ?? Number.NaN };
  }

  close(): void {
    sh('umount', this.directory);
    sh('losetup', '--detach', this.#device);
    rmSync(this.#place, { recursive: true });
  }
}
