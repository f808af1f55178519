import { readFile, realpath, stat, statfs } from 'node:fs/promises';
import { arch, version as kernel, release } from 'node:os';
import { instanceOf } from '../../config/config.ts';
import type { Instance } from '../../config/instance.ts';
import { builtAt, version } from '../../machine/build.ts';
import { type Part, printed } from './part.ts';
import { textOf } from './settings.ts';

/** Each by itself: where one fails, its sentence stands in the place of its text. */
async function each(parts: Readonly<Record<string, () => Promise<string>>>): Promise<string> {
  const texts = Object.entries(parts).map(async ([name, make]) => {
    const text = await make().catch((error: unknown) => `(${error instanceof Error ? error.message : error})`);
    return `== ${name}\n${text.trimEnd()}\n`;
  });
  return (await Promise.all(texts)).join('\n');
}

const file = (path: string) => () => readFile(path, 'utf8');

/** check.json has what the module says of itself; this is which file it is, and from which package. */
async function moduleOf(path: string | undefined): Promise<string> {
  if (path === undefined) return 'none is configured';
  const real = await realpath(path);
  const { size, mtime } = await stat(real);
  const owner = await printed(['dpkg-query', '--search', real]).catch((error: Error) => error.message);
  const [name = ''] = owner.split(': ');
  const shown = owner.includes(': ') ? await printed(['dpkg-query', '--show', name]).catch(() => owner) : owner;
  return [`${path} is ${real}, ${size} bytes, of ${mtime.toISOString()}`, shown].join('\n');
}

/** Without Environment= and other properties that may hold a secret. */
const PROPERTIES = [
  'LoadState,UnitFileState,FragmentPath,DropInPaths',
  'ActiveState,SubState,StatusText,Result,ExecMainStatus,ExecMainCode,ExecMainStartTimestamp,NRestarts,MainPID',
  'ActiveEnterTimestamp,InactiveEnterTimestamp,WatchdogUSec,WatchdogTimestamp,MemoryCurrent,MemoryPeak,CPUUsageNSec,TasksCurrent',
  'User,Group,SupplementaryGroups,StateDirectory,PrivateDevices,ReadWritePaths',
].join(',');
const unitsOf = ({ name }: Instance) => {
  const at = name === undefined ? '' : `@${name}`;
  return [`newleaf${at}.service`, `newleaf-fallback${at}.service`, `newleaf-fallback${at}.timer`];
};

const shown = (unit: string) => printed(['systemctl', 'show', unit, `--property=${PROPERTIES}`]);

export const MACHINE_PARTS: readonly Part[] = [
  {
    name: 'versions.txt',
    about: 'versions of newleaf, Node, OpenSSL, PKCS#11 module and system',
    make: ({ settings }) =>
      each({
        newleaf: async () =>
          `${version}, built ${builtAt === 0 ? 'from its sources' : new Date(builtAt).toISOString()}`,
        node: async () => JSON.stringify(process.versions, undefined, 1),
        kernel: async () => `${release()} ${kernel()} ${arch()}`,
        'operating system': file('/etc/os-release'),
        systemd: () => printed(['systemctl', '--version']),
        'PKCS#11 module': () => moduleOf(textOf(settings, 'hsm.module')),
      }),
  },
  {
    name: 'unit.txt',
    about: 'what systemd says of the units',
    make: ({ settings }) =>
      each(Object.fromEntries(unitsOf(instanceOf(settings.file)).map((unit) => [unit, () => shown(unit)]))),
  },
  {
    name: 'resources.txt',
    about: 'disk, memory and load',
    make: ({ settings }) =>
      each({
        'disk of state.directory': async () => {
          const { bavail, blocks, bsize, ffree, files } = await statfs(textOf(settings, 'state.directory') ?? '/');
          const [free, all] = [bavail, blocks].map((count) => Math.floor((count * bsize) / 2 ** 20));
          return `${free} of ${all} MiB are free, ${ffree} of ${files} files`;
        },
        'memory (/proc/meminfo)': file('/proc/meminfo'),
        'load (/proc/loadavg)': file('/proc/loadavg'),
        'seconds up, and idle (/proc/uptime)': file('/proc/uptime'),
      }),
  },
  {
    name: 'time.txt',
    about: 'the clock, and what keeps it right',
    make: ({ now }) =>
      each({
        'this gateway says': async () => `${new Date(now).toISOString()} (${now})`,
        timedatectl: () => printed(['timedatectl', 'show']),
        'systemd-timesyncd': () => printed(['timedatectl', 'timesync-status']),
        chrony: () => printed(['chronyc', '-n', 'tracking']),
      }),
  },
  {
    name: 'network.txt',
    about: 'name servers and routes; what can be reached is in check.json',
    make: () => each({ '/etc/resolv.conf': file('/etc/resolv.conf'), routes: () => printed(['ip', 'route']) }),
  },
];
