import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cut } from '../e2e/stage/site.ts';
import { ONE_ROLL, roll } from './laid.ts';
import { type Fault, matrix } from './play.ts';

/** All below it are those of Node itself: none of them is ever free. */
const FEW = 10;
/** prlimit(1): the soft limit alone, so that it can be lifted again. Of data, 0 bytes would be no limit to Linux. */
const limit = (pid: number, of: 'nofile' | 'data', most: number) =>
  execFileSync('prlimit', ['--pid', `${pid}`, `--${of}=${most}:`]);
const USUAL = 1_024;
/** Questions at once: the heap must grow for them. */
const ASKING = 50;
/** Sooner than the three minutes of the unit: with a long life behind it, the next one need not rest. */
const WATCHDOG_MS = 5_000;

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
      limit(gateway.pid, 'nofile', FEW);
      await cut(far);
    },
    end: ({ gateway }) => limit(gateway.pid, 'nofile', USUAL),
  },
  {
    group: 'machine',
    fault: 'no more memory is given (RLIMIT_DATA) as a roll begins',
    // A process that works with the token gets none either: where it ended first, that is told.
    code: /^NL-(DAEMON-DOWN|TOKEN-FAILED)$/,
    exit: 5,
    session: 'down',
    systemctl: 'auto-restart',
    isAlone: true,
    work: ONE_ROLL,
    cost: { leaves: 1, registrations: 1, restarts: 1 },
    async begin(at) {
      const { pid } = at.gateway;
      await roll(at);
      limit(pid, 'data', 1);
      // V8 lives on what it has, and ends the process when it needs more. Seen once: it stood still for a minute.
      const watchdog = setTimeout(() => process.kill(pid, 'SIGKILL'), WATCHDOG_MS);
      let how: number | string | undefined;
      void at.gateway.ended().then((found) => {
        how = found;
        clearTimeout(watchdog);
      });
      const asking = () => Promise.allSettled(Array.from({ length: ASKING }, () => at.gateway.status()));
      while (how === undefined) await asking();
      assert.match(String(how), /^SIG(ABRT|TRAP|SEGV|KILL)$/);
    },
    end: () => {},
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
