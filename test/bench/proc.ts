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

/** proc_pid_stat(5), utime and stime, in ticks of 10 ms. The name of the process, in brackets, may have blanks. */
export function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
