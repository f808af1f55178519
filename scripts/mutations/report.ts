/** How a process with tests has ended; late: no test has failed, and not all have ended. */
export type Ended = { readonly is: 'passed' } | { readonly is: 'failed' | 'late'; readonly test: string };

const BEGINS = /^# Subtest: (test\/.*)$/;
const ENDED = /^\s*(?:not )?ok \d+ - /;
const FAILED = /^\s*not ok \d+ - /;

/** What a process with files of tests (test/together.ts, as TAP) says of them. */
export class Report {
  #at: string;
  #hasFailed = false;
  #isLate = false;

  /** @param first the first of its files: a process may end before it names one */
  constructor(first: string) {
    this.#at = first;
  }

  /** @returns how a test has ended, if the line is about that; once one has failed, the rest need not be heard */
  read(line: string): 'ok' | 'failed' | undefined {
    this.#at = BEGINS.exec(line)?.[1] ?? this.#at;
    if (!ENDED.test(line)) return undefined;
    this.#hasFailed ||= FAILED.test(line);
    return this.#hasFailed ? 'failed' : 'ok';
  }

  /** Its time is up. */
  late(): void {
    this.#isLate = true;
  }

  /** @param code the exit code; null where a signal has ended it */
  ended(code: number | null): Ended {
    if (!this.#hasFailed && !this.#isLate && code === 0) return { is: 'passed' };
    return { is: this.#isLate && !this.#hasFailed ? 'late' : 'failed', test: this.#at };
  }
}
