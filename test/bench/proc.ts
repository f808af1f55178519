import { readdirSync, readFileSync } from 'node:fs';

/** A type, as it is one of the figures of a round. */
export type Memory = {
  /** MiB; pages shared with n processes count as 1/n. */
  readonly pss: number;
  /** MiB; the part that the kernel cannot drop: what a gateway without swap really pays. */
  readonly anon: number;
};

/** What a process has in memory: proc_pid_smaps(5), `smaps_rollup`. */
export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1]) / 1024;
  return { pss: field('Pss'), anon: field('Pss_Anon') };
}

/** User and system time, in milliseconds, of the threads that a process has now (schedstat of each: nanoseconds). */
export function cpuMsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => sum + timeOf(`/proc/${pid}/task/${thread}/schedstat`), 0) / 1e6;
}

/** How often its threads went to sleep: proc_pid_status(5), voluntary_ctxt_switches. */
export function sleepsOf(pid: number): number {
  const counts = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1]);
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

function timeOf(schedstat: string): number {
  try {
    return Number(readFileSync(schedstat, 'utf8').split(' ', 1)[0]);
  } catch {
    // The thread has ended since.
    return 0;
  }
}

export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
