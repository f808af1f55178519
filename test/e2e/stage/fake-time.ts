import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export const DAY_S = 24 * 3_600;

/** The wall clock of a daemon, which can be set while it runs; its monotonic clock goes on undisturbed. */
export class FakeTime {
  readonly #directory = mkdtempSync(join(tmpdir(), 'newleaf-faketime-'));
  readonly #file = join(this.#directory, 'offset');

  constructor(t: TestContext) {
    this.set(0);
    t.after(() => rmSync(this.#directory, { recursive: true }));
  }

  /** The program that sets up the clock of another. The loader knows where Debian keeps libraries ($LIB, ld.so(8)). */
  get runner(): readonly string[] {
    const preload = 'LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1';
    return ['env', preload, `FAKETIME_TIMESTAMP_FILE=${this.#file}`, 'FAKETIME_NO_CACHE=1', 'DONT_FAKE_MONOTONIC=1'];
  }

  /** Sets the clock to the right time and so many seconds. In one go: an empty file would be the right time. */
  set(offset: number): void {
    writeFileSync(`${this.#file}.new`, `${offset < 0 ? '' : '+'}${offset}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** To the eleventh day of 1970. */
  setTo1970(): void {
    this.set(10 * DAY_S - Math.round(Date.now() / 1000));
  }
}
