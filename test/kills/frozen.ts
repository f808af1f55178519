import { readdirSync } from 'node:fs';
import { statOf } from './machine.ts';

/** Does something while a process stands still, so that none of its files changes meanwhile. @throws where it does not live */
export function frozen<T>(pid: number, work: () => T): T {
  process.kill(pid, 'SIGSTOP');
  try {
    // A thread in the middle of a sync stops at its end.
    while (!isStopped(pid));
    return work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

/** Each thread is stopped, or has ended. */
const isStopped = (pid: number): boolean =>
  readdirSync(`/proc/${pid}/task`).every((thread) => {
    try {
      return /^[TtZX]$/.test(statOf(`/proc/${pid}/task/${thread}/stat`)[0] ?? '');
    } catch {
      return true;
    }
  });
