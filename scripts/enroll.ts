import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { endWithReader } from '../agent/cli/kit/reader.ts';
import type { Desk } from './enrollment/desk.ts';
import { enroll } from './enrollment/main.ts';

const POLL_MS = 2_000;

/** Ctrl-C and Ctrl-D count as the empty answer. */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // nodejs 20.19.2 of Debian 13 leaves the question pending at Ctrl-D.
  const closed = new Promise<never>((_, reject) => terminal.once('close', reject));
  try {
    return await Promise.race([terminal.question(question), closed]);
  } catch {
    process.stderr.write('\n');
    return '';
  } finally {
    terminal.close();
  }
}

const desk: Desk = {
  env: process.env,
  out: process.stdout,
  err: process.stderr,
  pollMs: POLL_MS,
  now: Date.now,
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => {}),
  onInterrupt(heard) {
    // Once: the second Ctrl-C ends the program.
    process.once('SIGINT', heard);
    return () => process.off('SIGINT', heard);
  },
  ...(process.stdin.isTTY && { ask }),
};

endWithReader(process.stdout);
process.exitCode = await enroll(process.argv.slice(2), desk);
