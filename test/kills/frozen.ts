import { readdirSync, readFileSync } from 'node:fs';

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
  readdirSync(`/proc/${pid}/task`).every((thread) => /^[TtZX]?$/.test(stateOf(`/proc/${pid}/task/${thread}/stat`)));

function stateOf(stat: string): string {
  try {
    const text = readFileSync(stat, 'utf8');
    // Behind the name, which may contain anything.
    return text.charAt(text.lastIndexOf(')') + 2);
  } catch {
    return '';
  }
}
