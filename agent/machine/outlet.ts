import { writeSync } from 'node:fs';

/** Takes lines. */
export interface Outlet {
  /** @returns false where the text was dropped */
  write(text: string): unknown;
}

/** So long a reader may take, in milliseconds, and not again before it has taken something. */
const PATIENCE_MS = 200;
const STEP_MS = 5;
const asleep = new Int32Array(new SharedArrayBuffer(4));

/**
 * Writes to a file descriptor before the call returns, and never throws: what a full disk, a pipe without a reader or a reader
 * that stands still does not take is dropped. A line is whole, or not there. On a pipe or a socket it waits for PATIENCE_MS at most,
 * provided that the descriptor does not block: Node sees to that for stdout and stderr once `process.stdout` was looked at.
 */
export function outlet(fd: number): Outlet {
  // Of a line that was taken in part.
  let rest: Uint8Array = Buffer.alloc(0);
  let isStuck = false;

  /** @returns what is left of it */
  function put(bytes: Uint8Array): Uint8Array {
    let left = bytes;
    for (let waitedMs = 0; left.length > 0; ) {
      try {
        left = left.subarray(writeSync(fd, left));
        isStuck = false;
      } catch (error) {
        const isFull = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
        if (!isFull || isStuck || waitedMs >= PATIENCE_MS) {
          isStuck = true;
          break;
        }
        Atomics.wait(asleep, 0, 0, STEP_MS);
        waitedMs += STEP_MS;
      }
    }
    return left;
  }

  return {
    write(text) {
      rest = put(rest);
      if (rest.length > 0) return false;
      const bytes = Buffer.from(text);
      const left = put(bytes);
      if (left.length === bytes.length) return false;
      rest = left;
      return true;
    },
  };
}
