import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** In the order of the table. */
export const GROUPS = ['disk', 'machine', 'token', 'network', 'clock', 'DPS', 'hub', 'issuer', 'set-up'] as const;

/** What each place says of the gateway while the fault lasts. */
export interface Told {
  /** The code that `newleaf status` names first; '' where nothing is wrong. */
  readonly status: string;
  /** The exit code of `newleaf status`. */
  readonly exit: number;
  /** `trouble` of the twin; 'offline' where the hub has no session, which is what an operator sees then. */
  readonly twin: string;
  /** `newleaf_online`; 'down' where nothing answers, which Prometheus records as `up` 0. */
  readonly metrics: string;
  /** The code in the line of `systemctl status`; '' where it has none. */
  readonly systemctl: string;
}

/** One row of the matrix. */
export interface Row {
  readonly group: (typeof GROUPS)[number];
  readonly fault: string;
  /** From the end of the fault until the gateway serves, and nothing is wrong any more. Of several tries the longest. */
  readonly recoverySeconds: number;
  /** The clock was turned by the test: the pauses are those of the product, and no server takes any time. */
  readonly isVirtual?: true;
  /** What a person does, beside ending the fault; left out where nobody is needed. */
  readonly by?: string;
  /** In words: 'nothing', or what it cost. */
  readonly lost: string;
  readonly told: Told;
}

/** A row as it is kept. */
export interface Kept extends Row {
  /** The test that played it, from the root. */
  readonly test: string;
  /** The day, ISO 8601. */
  readonly day: string;
}

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * Records a row of the matrix, where `NEWLEAF_TEST_MATRIX` names the file for it; else it does nothing.
 * @param test `import.meta.filename` of the test that played it
 */
export function matrixRow(row: Row, test: string): void {
  const file = process.env.NEWLEAF_TEST_MATRIX;
  if (file === undefined) return;
  const seconds = Math.round(row.recoverySeconds * 10) / 10;
  const kept: Kept = {
    ...row,
    recoverySeconds: seconds,
    test: relative(ROOT, test),
    day: new Date().toISOString().slice(0, 10),
  };
  mkdirSync(dirname(file), { recursive: true });
  // One write, so that the lines of tests that run at the same time stay whole.
  appendFileSync(file, `${JSON.stringify(kept)}\n`);
}
