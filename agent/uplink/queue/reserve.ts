import { statfs } from 'node:fs/promises';

/** What newleaf needs for a roll and for the keys of a token in files, many times over. */
const RESERVE_BYTES = 8 * 1024 * 1024;
/** The most of a small file system. */
const SHARE = 1 / 8;
const LOOK_MS = 1_000;

export interface Space {
  readonly free: number;
  readonly size: number;
}

/** Of the file system, for users other than root. */
async function spaceAt(directory: string): Promise<Space> {
  const { bavail, blocks, bsize } = await statfs(directory);
  return { free: bavail * bsize, size: blocks * bsize };
}

export interface ReserveOptions {
  readonly directory: string;
  monotonic(): number;
  /** For tests. */
  readonly space?: (directory: string) => Promise<Space>;
}

/**
 * The last bytes of the file system of the state directory: they are for the journal of the leaf. A program can wait, and a leaf
 * that cannot be rolled ends. All that writes for programs asks here; it looks at the file system once a second at most.
 */
export class Reserve {
  readonly #options: ReserveOptions;
  #left = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(options: ReserveOptions) {
    this.#options = options;
  }

  /** @returns whether so many bytes may be written */
  async take(bytes: number): Promise<boolean> {
    if (this.#options.monotonic() - this.#lookedAt >= LOOK_MS) this.#looking ??= this.#look();
    await this.#looking;
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  async #look(): Promise<void> {
    const { directory, monotonic, space = spaceAt } = this.#options;
    try {
      const { free, size } = await space(directory);
      // A file system that says nothing of its size sets no bound, either: the write itself will tell.
      this.#left = size > 0 ? free - Math.min(RESERVE_BYTES, size * SHARE) : Number.POSITIVE_INFINITY;
    } catch {
      this.#left = Number.POSITIVE_INFINITY;
    }
    this.#lookedAt = monotonic();
    this.#looking = undefined;
  }
}
