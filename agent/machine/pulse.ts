import { ftruncateSync, openSync, writeSync } from 'node:fs';
import { uptime } from 'node:os';

/** Digits of a number of seconds. */
const DIGITS = 12;

/**
 * The watchdog where systemd does not watch: a file that says until when this process is alive, in seconds since the machine
 * has started, which no clock step changes (/proc/uptime); its second line is what systemd would be told.
 * scripts/container/newleaf-container makes and reads it.
 */
export class Pulse {
  readonly #path: string;
  #limitMs: number;
  #file: number | undefined;

  /** @param limitMs the longest time between two beats */
  constructor(path: string, limitMs: number) {
    this.#path = path;
    this.#limitMs = limitMs;
  }

  /** @throws the error of open(2) or write(2) */
  beat(): void {
    const until = Math.ceil(uptime() + this.#limitMs / 1000);
    // One write in place: a reader never sees half of it.
    writeSync(this.#open(), `${String(until).padStart(DIGITS, '0')}\n`, 0);
  }

  /** @throws as `beat` */
  say(line: string): void {
    const file = this.#open();
    ftruncateSync(file, DIGITS + 1);
    writeSync(file, `${line}\n`, DIGITS + 1);
  }

  #open(): number {
    // Made by the first process, maybe as root, in a directory for all: the kernel would refuse O_CREAT (fs.protected_regular).
    this.#file ??= openSync(this.#path, 'r+');
    return this.#file;
  }

  /** From now on. */
  expect(ms: number): void {
    this.#limitMs = ms;
    this.beat();
  }
}
