import { type Jobs, serve, startedBy, thisProgram, WORK } from '../hsm/job.ts';
import { TOKEN_JOBS } from '../hsm/jobs.ts';
import { forInstance } from './cli/instance.ts';
import { call, type Io, type Run } from './cli/kit/command.ts';
import { endWithReader } from './cli/kit/reader.ts';
import { type CommandName, NEWLEAF } from './cli/table.ts';
import { EXIT } from './failure/exit.ts';
import type { Passage } from './machine/as-daemon.ts';
import type { Handed } from './machine/handed.ts';
import { dialPatiently } from './time/dialling.ts';

startedBy([process.execPath, ...process.execArgv, process.argv[1] ?? '']);

/** Goes on with a command of root as the daemon; the command follows (machine/go-on.ts). */
const GO_ON = 'internal-go-on';

/** Work for processes of their own. */
const JOBS: Jobs = {
  ...TOKEN_JOBS,
  /** For `check` and `init`: loads a PKCS#11 module, which may hang or crash, as the daemon where that is wanted. */
  apart: async (how) => (await import('./cli/proof/apart.ts')).apartJob(how),
};

const io: Io = { out: process.stdout, err: process.stderr, env: process.env, now: Date.now };

/** Each command is loaded when it is called: `status` does not need the memory of the SDK. */
const COMMANDS: Readonly<Record<CommandName, (passage: Passage) => Promise<Run>>> = {
  run: async (passage) => (await import('./cli/run/command.ts')).run(passage),
  init: async (passage) => {
    const { stdin, stdout } = process;
    return (await import('./cli/init/command.ts')).init({ passage, stdin, stdout });
  },
  status: async () => (await import('./cli/status/command.ts')).run,
  check: async (passage) => (await import('./cli/checks/command.ts')).check(passage),
  reprovision: async () => (await import('./cli/request/ask.ts')).run,
  roll: async () => (await import('./cli/request/ask.ts')).run,
  csr: async () => (await import('./cli/request/csr.ts')).run,
  install: async () => (await import('./cli/request/install.ts')).install(process.stdin),
  tpm: async () => (await import('./cli/tpm.ts')).run,
  'uplink add': async () => (await import('./cli/uplink/add.ts')).uplinkAdd(),
  'uplink list': async () => (await import('./cli/uplink/list.ts')).run,
  'uplink show': async () => (await import('./cli/uplink/show.ts')).uplinkShow(),
  'uplink set': async () => (await import('./cli/uplink/set.ts')).uplinkSet(),
  'uplink forget': async () => (await import('./cli/uplink/forget.ts')).uplinkForget(),
  'uplink remove': async () => (await import('./cli/uplink/remove.ts')).uplinkRemove(process.stdin),
  'support-bundle': async () => (await import('./cli/bundle/command.ts')).supportBundle(thisProgram()),
  decommission: async (passage) =>
    (await import('./cli/decommission/command.ts')).decommission({ passage, stdin: process.stdin }),
  config: async () => (await import('./cli/config.ts')).run,
  version: async () => (await import('./cli/version.ts')).run,
};

async function main(argv: readonly string[]): Promise<number> {
  const [first, name = '', ...rest] = argv;
  const job = first === WORK ? JOBS[name] : undefined;
  if (job !== undefined) {
    serve(await job(...rest));
    return EXIT.done;
  }
  if (first === GO_ON) {
    const { received } = await import('./machine/handed.ts');
    return called(argv.slice(1), received());
  }
  return called(argv);
}

/** @param handed where root has called it, and this process is not root's */
function called(argv: readonly string[], handed?: Handed): Promise<number> {
  return call(NEWLEAF, argv, io, async (args) => {
    const work = await COMMANDS[args.command]({ again: [...thisProgram(), GO_ON, ...argv], handed });
    return forInstance(work)(args, io);
  });
}

endWithReader(process.stdout);
dialPatiently();
main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
