import { execFileSync } from 'node:child_process';
import { cut } from '../e2e/stage/site.ts';
import { type Fault, matrix } from './play.ts';

/** All below it are those of Node itself: none of them is ever free. */
const FEW = 10;
/** prlimit(1): the soft limit alone, so that it can be lifted again. */
const limit = (pid: number, most: number) => execFileSync('prlimit', ['--pid', `${pid}`, `--nofile=${most}:`]);
const USUAL = 1_024;

const FAULTS: readonly Fault[] = [
  {
    group: 'machine',
    fault: 'no descriptors are left as the session ends',
    // It runs, and can take no question: "did not answer within 10 s", and the advice is to restart it.
    code: /^NL-DAEMON-DOWN$/,
    exit: 5,
    session: 'down',
    systemctl: 'as before',
    withinMs: 60_000,
    isAlone: true,
    async begin({ far, gateway }) {
      limit(gateway.pid, FEW);
      await cut(far);
    },
    end: ({ gateway }) => limit(gateway.pid, USUAL),
  },
  {
    group: 'machine',
    fault: 'the kernel kills the daemon (out of memory)',
    code: /^NL-DAEMON-DOWN$/,
    exit: 5,
    session: 'down',
    systemctl: 'auto-restart',
    isAlone: true,
    cost: { restarts: 1 },
    begin: ({ gateway }) => process.kill(gateway.pid, 'SIGKILL'),
    end: () => {},
  },
  {
    group: 'machine',
    fault: 'the daemon stands still (SIGSTOP), and the session ends meanwhile',
    code: /^NL-DAEMON-DOWN$/,
    exit: 5,
    session: 'down',
    systemctl: 'as before',
    isAlone: true,
    async begin({ far, gateway }) {
      process.kill(gateway.pid, 'SIGSTOP');
      await cut(far);
    },
    end: ({ gateway }) => process.kill(gateway.pid, 'SIGCONT'),
  },
];

matrix('the machine', FAULTS, import.meta.filename);
