import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BUNDLE } from '../e2e/stage/gateway.ts';
import { NODE } from './node.ts';
import { measured, type Reading } from './reading.ts';
import { roundRobin, SHORT_ROUNDS } from './rounds.ts';
import type { Stand } from './stand.ts';

const run = promisify(execFile);

type Took = { readonly ms: number; readonly cpuMs: number };

/** bash(1): real, user and system time of the command, in seconds with three digits. */
const TIMED = 'TIMEFORMAT="%R %U %S"; { time "$@" >/dev/null 2>/dev/null; } 2>&1 || true';

/** From the call of a command to its end, beside a Node that does nothing. A daemon answers `status`. */
export async function commands(stand: Stand): Promise<readonly Reading[]> {
  const gateway = await stand.gateway('commands');
  await stand.start(gateway);
  const environment = { ...process.env, NEWLEAF_CONFIG: gateway.configuration, NO_COLOR: '1' };
  const timed = async (...args: readonly string[]): Promise<Took> => {
    const { stdout } = await run('bash', ['-c', TIMED, 'timed', NODE, ...args], { env: environment });
    const [real = Number.NaN, user = Number.NaN, system = Number.NaN] = stdout.trim().split(' ').map(Number);
    return { ms: real * 1_000, cpuMs: (user + system) * 1_000 };
  };
  const newleaf = (command: string) => () => timed(BUNDLE, command);
  const found = await roundRobin<Record<'bare' | 'help' | 'status' | 'version' | 'again', Took>>(
    {
      bare: () => timed('-e', '0'),
      help: newleaf('help'),
      status: newleaf('status'),
      version: newleaf('version'),
      again: () => timed('-e', '0'),
    },
    SHORT_ROUNDS,
  );
  await gateway.stop();
  const { bare } = found;
  return [
    ...(['help', 'status', 'version'] as const).flatMap((name) => [
      measured(`newleaf ${name}`, 'ms', found[name].ms, bare.ms),
      measured(`CPU of newleaf ${name}`, 'ms', found[name].cpuMs, bare.cpuMs),
    ]),
    measured('control: node -e 0', 'ms', found.again.ms, bare.ms),
  ];
}
