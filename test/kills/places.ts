import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Calls } from './calls.ts';

const HEADERS = join(dirname(createRequire(import.meta.url).resolve('pkcs11js')), 'includes/pkcs11');
const SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so';

/** The fields of `struct page` in interpose.c, in bytes. */
const COUNT = 0;
const TARGET = 8;
const IS_LOGGING = 16;
const ONLY_SYNCS = 20;
const DAEMON = 24;
const AT = 28;
const SIZE = 348;

let module: string | undefined;

/** The shared object, compiled once for all gateways of this process. */
function interposer(): string {
  if (module !== undefined) return module;
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-interpose-'));
  process.once('exit', () => rmSync(directory, { recursive: true }));
  module = join(directory, 'interpose.so');
  const source = join(import.meta.dirname, 'interpose.c');
  execFileSync('gcc', ['-shared', '-fPIC', '-Wall', '-O1', '-I', HEADERS, '-o', module, source]);
  return module;
}

/** At which place the daemon is killed: of all, or of those beside a sync of its state directory. */
export interface Aim {
  readonly place: number;
  readonly among: 'all' | 'syncs';
}

/** It lives. */
export const NOWHERE: Aim = { place: 0, among: 'all' };

/** The places at which the daemon of one gateway can be killed: before and after each call, numbered from 1. */
export class Places {
  readonly #directory = mkdtempSync(join(tmpdir(), 'newleaf-kills-'));
  readonly #file = join(this.#directory, 'places');
  readonly #page: number;

  constructor() {
    writeFileSync(this.#file, Buffer.alloc(SIZE));
    writeFileSync(`${this.#file}.log`, '');
    this.#page = openSync(this.#file, 'r+');
  }

  /** To be the PKCS#11 module of the gateway. */
  readonly module = interposer();
  /** Runs a program so that its calls are counted. */
  get runner(): readonly string[] {
    const root = join(tmpdir(), 'newleaf-');
    return [
      'env',
      `LD_PRELOAD=${this.module}`,
      `KILLS_PAGE=${this.#file}`,
      `KILLS_ROOT=${root}`,
      `KILLS_MODULE=${SOFTHSM}`,
    ];
  }

  /** Counts from now on, and kills at this place of those that are counted; 0 is never. */
  arm({ place, among }: Aim, isLogging = false): void {
    truncateSync(`${this.#file}.log`);
    const page = Buffer.alloc(DAEMON);
    page.writeBigUInt64LE(BigInt(place), TARGET);
    page.writeUInt32LE(Number(isLogging), IS_LOGGING);
    page.writeUInt32LE(Number(among === 'syncs'), ONLY_SYNCS);
    writeSync(this.#page, Buffer.alloc(SIZE - AT), 0, SIZE - AT, AT);
    writeSync(this.#page, page, 0, page.length, COUNT);
  }

  /** Kills at no place from now on; what has happened stays known. */
  spare(): void {
    writeSync(this.#page, Buffer.alloc(8), 0, 8, TARGET);
  }

  /** The next process that begins is the daemon. */
  expectDaemon(): void {
    writeSync(this.#page, Buffer.alloc(4), 0, 4, DAEMON);
  }

  /** How many places were passed since `arm`. */
  get passed(): number {
    return Number(this.#read(COUNT, 8).readBigUInt64LE());
  }

  /** Where the daemon was killed, or ''. */
  get killedAt(): string {
    const text = this.#read(AT, SIZE - AT).toString();
    return text.slice(0, text.indexOf('\0'));
  }

  /** What was called since `arm`, where it logs. */
  get calls(): Calls {
    return new Calls(readFileSync(`${this.#file}.log`));
  }

  remove(): void {
    closeSync(this.#page);
    rmSync(this.#directory, { recursive: true });
  }

  #read(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    readSync(this.#page, bytes, 0, length, at);
    return bytes;
  }
}
