import type { Disk, DiskFile } from '../../../../agent/uplink/queue/disk.ts';

/** What becomes of the n-th call of a process: it fails with this code, or the process dies before it. */
export type Fate = (call: { readonly number: number; readonly name: string }) => string | 'dies' | undefined;

/** One file: what the page cache holds, what the disk holds, and which parts of the cache are still to be written. */
interface Inode {
  cache: Buffer;
  stable: Buffer;
  dirty: (readonly [from: number, to: number])[];
  /** The shortest length since the last sync. */
  cutTo: number;
  /** Bytes that cannot be read. */
  bad: readonly (readonly [from: number, to: number])[];
}

/** What is read at once, and what a bad sector spoils. */
const PAGE = 4096;

const failed = (code: string) => Object.assign(new Error(`${code}: model`), { code });

/**
 * A directory in memory that behaves as Linux does: writes are in the cache until a sync, a sync that fails marks them clean all
 * the same, and names are durable only after the sync of the directory. One process at a time; the calls of a dead one hang.
 */
export class ModelDisk {
  #names = new Map<string, Inode>();
  #stableNames = new Map<string, Inode>();
  /** The names after each change since the last sync of the directory: the journal of a file system keeps their order. */
  #history: Map<string, Inode>[] = [];
  #process = 0;
  readonly #random: () => number;
  readonly #sector: number;
  calls: string[] = [];
  /** Bytes that fit on the disk. */
  room = Number.POSITIVE_INFINITY;

  /** @param sector of a power cut: these parts of a write reach the disk by themselves, in any order */
  constructor(random: () => number, sector: 512 | 4096 = 512) {
    this.#random = random;
    this.#sector = sector;
  }

  get names(): readonly string[] {
    return [...this.#names.keys()];
  }

  /** Changes bytes of a file behind the back of the program. */
  alter(path: string, change: (bytes: Buffer) => Buffer): void {
    const inode = this.#inode(path);
    inode.cache = change(Buffer.from(inode.cache));
    inode.stable = Buffer.from(inode.cache);
  }

  /** From now on, these bytes and all in their pages cannot be read. */
  spoil(path: string, from: number, to: number): void {
    const inode = this.#inode(path);
    inode.bad = [...inode.bad, [from - (from % PAGE), Math.ceil(to / PAGE) * PAGE]];
  }

  bytesOf(path: string): Buffer {
    return Buffer.from(this.#inode(path).cache);
  }

  /** What is there after a power cut, at least. */
  stableBytesOf(path: string): Buffer {
    return Buffer.from(this.#inode(path).stable);
  }

  /** A file that another process has left. */
  put(path: string, bytes: Buffer): void {
    this.#opened(path, 'w');
    this.#stableNames.set(path, this.#inode(path));
    this.alter(path, () => bytes);
  }

  delete(path: string): void {
    this.#names.delete(path);
    this.#stableNames.delete(path);
  }

  /** All of before are dead from now on. The page cache outlives them. */
  start(fate: Fate = () => undefined): Disk {
    this.#process += 1;
    this.calls = [];
    const own = this.#process;
    const nothing = () => {};
    const call = async <T>(name: string, work: () => T, lost = nothing, died = nothing): Promise<T> => {
      // As with libuv, each call takes a turn of the loop.
      await new Promise((resolve) => setImmediate(resolve));
      if (own !== this.#process) return new Promise<T>(() => {});
      this.calls.push(name);
      const end = fate({ number: this.calls.length, name });
      if (end === 'dies') {
        this.#process += 1;
        died();
        return new Promise<T>(() => {});
      }
      if (end === undefined) return work();
      lost();
      throw failed(end);
    };
    return {
      makeDirectory: (path) => call(`makeDirectory ${path}`, () => {}),
      list: () => call('list', () => [...this.#names.keys()].map((path) => path.slice(path.lastIndexOf('/') + 1))),
      size: (path) => call('size', () => this.#inode(path).cache.length),
      open: (path, flags) => call(`open ${flags}`, () => this.#file(this.#opened(path, flags), call)),
      remove: (path) =>
        call('remove', () => {
          if (!this.#names.delete(path)) throw failed('ENOENT');
          this.#history.push(new Map(this.#names));
        }),
      rename: (from, to) =>
        call('rename', () => {
          this.#names.set(to, this.#inode(from));
          this.#names.delete(from);
          this.#history.push(new Map(this.#names));
        }),
      syncDirectory: () =>
        call('syncDirectory', () => {
          this.#stableNames = new Map(this.#names);
          this.#history = [];
        }),
    };
  }

  /** Keeps what was synced, and any part of the rest. */
  cutPower(): void {
    this.#process += 1;
    const isKept = () => this.#random() < 0.5;
    const history = [this.#stableNames, ...this.#history];
    const names = history[Math.floor(this.#random() * history.length)] ?? this.#stableNames;
    for (const inode of names.values()) {
      let bytes = Buffer.from(inode.stable);
      if (isKept()) bytes = bytes.subarray(0, inode.cutTo);
      for (const [from, to] of inode.dirty) {
        for (let at = from; at < to; at += this.#sector - (at % this.#sector)) {
          const part = inode.cache.subarray(at, Math.min(at + this.#sector - (at % this.#sector), to));
          if (!isKept()) continue;
          if (bytes.length < at + part.length)
            bytes = Buffer.concat([bytes, Buffer.alloc(at + part.length - bytes.length)]);
          part.copy(bytes, at);
        }
      }
      Object.assign(inode, { cache: Buffer.from(bytes), stable: bytes, dirty: [], cutTo: Number.POSITIVE_INFINITY });
    }
    this.#names = new Map(names);
    this.#stableNames = new Map(names);
    this.#history = [];
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw failed('ENOENT');
    return inode;
  }

  #opened(path: string, flags: 'r' | 'r+' | 'w'): Inode {
    if (flags !== 'w') return this.#inode(path);
    const there = this.#names.get(path);
    if (there !== undefined) {
      Object.assign(there, { cache: Buffer.alloc(0), dirty: [], cutTo: 0 });
      return there;
    }
    const inode: Inode = {
      cache: Buffer.alloc(0),
      stable: Buffer.alloc(0),
      dirty: [],
      cutTo: Number.POSITIVE_INFINITY,
      bad: [],
    };
    this.#names.set(path, inode);
    this.#history.push(new Map(this.#names));
    return inode;
  }

  #file(
    inode: Inode,
    call: <T>(name: string, work: () => T, lost?: () => void, died?: () => void) => Promise<T>,
  ): DiskFile {
    /** Pages only: the new length is in the journal of the file system, which does not forget it. */
    const clean = () => {
      inode.dirty = [];
    };
    const synced = () => {
      let stable = inode.stable.subarray(0, inode.cutTo);
      const missing = inode.cache.length - stable.length;
      if (inode.dirty.length > 0 && missing > 0) stable = Buffer.concat([stable, Buffer.alloc(missing)]);
      inode.stable = Buffer.from(stable);
      for (const [from, to] of inode.dirty) inode.cache.copy(inode.stable, from, from, to);
      clean();
      inode.cutTo = Number.POSITIVE_INFINITY;
    };
    /** Linux writes dirty pages when it likes: also those of a write that failed in the end. */
    const writeBack = (from: number, to: number) => {
      const missing = Math.max(0, from - inode.stable.length);
      const kept = inode.stable.subarray(0, from);
      const rest = inode.stable.subarray(to);
      inode.stable = Buffer.concat([kept, Buffer.alloc(missing), inode.cache.subarray(from, to), rest]);
    };
    const put = (bytes: Uint8Array, position: number): number => {
      const used = [...this.#names.values()].reduce((sum, { cache }) => sum + cache.length, 0);
      const grows = Math.max(0, position + bytes.length - inode.cache.length);
      const taken = bytes.length - Math.max(0, used + grows - this.room);
      if (taken <= 0) throw failed('ENOSPC');
      const end = position + taken;
      if (inode.cache.length < end) inode.cache = Buffer.concat([inode.cache, Buffer.alloc(end - inode.cache.length)]);
      inode.cache.set(bytes.subarray(0, taken), position);
      inode.dirty.push([position, end]);
      if (this.#random() < 0.3) writeBack(position, end);
      return taken;
    };
    const readable = (from: number, to: number): Buffer => {
      const bad = inode.bad.filter((one) => one[1] > from).map((one) => one[0]);
      if (bad.some((one) => one <= from)) throw failed('EIO');
      return Buffer.from(inode.cache.subarray(from, Math.min(to, ...bad)));
    };
    /** A part of a write, up to the end of a page or up to anywhere. */
    const part = (bytes: Uint8Array, position: number, unit: number) => {
      const end = Math.ceil((position + bytes.length * this.#random()) / unit) * unit;
      put(bytes.subarray(0, Math.max(0, end - position)), position);
    };
    return {
      read: (length, position) => call('read', () => readable(position, position + length)),
      write: (bytes, position) =>
        call(
          'write',
          () => put(bytes, position),
          () => part(bytes, position, 1),
          () => part(bytes, position, this.#sector),
        ),
      datasync: () => call('datasync', synced, clean),
      truncate: (length) =>
        call('truncate', () => {
          inode.cache = Buffer.from(inode.cache.subarray(0, length));
          inode.dirty = inode.dirty.flatMap(([from, to]) => (from < length ? [[from, Math.min(to, length)]] : []));
          inode.cutTo = Math.min(inode.cutTo, length);
        }),
      close: () => call('close', () => {}),
    };
  }
}
