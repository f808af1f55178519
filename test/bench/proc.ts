import { readdirSync, readFileSync } from 'node:fs';

export interface Memory {
  /** MiB; pages shared with n processes count as 1/n. */
  readonly pss: number;
  /** MiB; the part that the kernel cannot drop: what a gateway without swap really pays. */
  readonly anon: number;
}

/** What a process has in memory: proc_pid_smaps(5), `smaps_rollup`. */
export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1]) / 1024;
  return { pss: field('Pss'), anon: field('Pss_Anon') };
}

export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

export interface Work {
  /** Time on a processor, in milliseconds: Documentation/scheduler/sched-stats.rst. */
  readonly cpuMs: number;
  /** How often one of its threads went to sleep. */
  readonly sleeps: number;
}

/** What all threads of a process have done since they began. */
export function workOf(pid: number): Work {
  let cpuMs = 0;
  let sleeps = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const [nanoseconds] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ');
    cpuMs += Number(nanoseconds) / 1e6;
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8');
    sleeps += Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1]);
  }
  return { cpuMs, sleeps };
}
