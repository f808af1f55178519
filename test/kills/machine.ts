import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** To tell a process that hangs from one that gets no turn: how busy the machine is, and what the daemon and its children do. */
export function machineNow(pid: number): string {
  const [pressure] = readFileSync('/proc/pressure/cpu', 'utf8').split('\n');
  const columns = 'pid,stat,wchan:24,cputimes,etimes,args';
  const { stdout } = spawnSync('ps', ['-o', columns, '--pid', String(pid), '--ppid', String(pid)], {
    encoding: 'utf8',
  });
  return `CPU: ${pressure}\n${stdout}`;
}

/** The fields of a stat file of proc(5) from the third on, the state: the name before it may contain anything. */
export function statOf(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Seconds of CPU so far: of this process, and of its children that have ended. */
export function cpuSeconds(): { readonly own: number; readonly children: number } {
  // In hundredths of a second.
  const [user = 0, system = 0, childrensUser = 0, childrensSystem = 0] = statOf('/proc/self/stat')
    .slice(11, 15)
    .map(Number);
  return { own: (user + system) / 100, children: (childrensUser + childrensSystem) / 100 };
}
