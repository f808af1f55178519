// The program of worker.test.ts: one job in each of the ways to end, told by what it is asked.
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, serve } from '../../../hsm/job.ts';

const [, , , ends = '', ...args] = process.argv;

const CALLS: Readonly<Record<string, (...asked: never[]) => unknown>> = {
  echo: (...asked: unknown[]) => asked,
  pid: () => process.pid,
  argv: () => process.argv.slice(2),
  environment: () => JSON.stringify(process.env),
  group: () => readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ')[2],
  later: (ms: number, value: unknown) => new Promise((resolve) => setTimeout(resolve, ms, value)),
  /** Ends as soon as there is such a file. */
  async until(path: string) {
    while (!existsSync(path)) await sleep(5);
  },
  noise() {
    process.stdout.write('module: hello\n{"number":1,"isLast":false,"value":"noise"}\n');
    process.stderr.write('NOISE\n');
    return 'said';
  },
  refuse(kind: string) {
    throw Object.assign(new Error(`it is ${kind}`), { kind, code: 'CKR_X', cause: () => 'cannot be sent' });
  },
  exit: (code: number) => process.exit(code),
  crash: () => process.kill(process.pid, 'SIGSEGV'),
  hang() {
    for (;;);
  },
};

serve({
  ends: ends as Job['ends'],
  ...(args.includes('cut off') && { isCutOff: true }),
  perform: async (name, asked) => CALLS[name]?.(...(asked as never[])),
  explain: (error) => {
    const { kind, code, message } = error as Error & { kind: string; code: string };
    return { kind, code, message, args };
  },
});
