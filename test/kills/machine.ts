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

/** Seconds of CPU so far: of this process, and of its children that have ended. */
export function cpuSeconds(): { readonly own: number; readonly children: number } {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // The fields after the name, from the third on; in hundredths of a second.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user = 0, system = 0, childrensUser = 0, childrensSystem = 0] = fields.slice(11, 15).map(Number);
  return { own: (user + system) / 100, children: (childrensUser + childrensSystem) / 100 };
}
