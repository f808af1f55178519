import { call, type Io, type Run } from './cli/kit/command.ts';
import { type CommandName, NEWLEAF } from './cli/table.ts';
import { EXIT } from './failure/exit.ts';
import type { Passage } from './machine/as-daemon.ts';
import type { Handed } from './machine/handed.ts';
import { dialPatiently } from './time/dialling.ts';

/** argv of this very program, in a process of its own. */
const itself = (...options: readonly string[]): readonly string[] => [
  process.execPath,
  ...process.execArgv,
  ...options,
  process.argv[1] ?? '',
];

/** The same at a work of its own. */
const itselfAt = (work: string, ...options: readonly string[]): readonly string[] => [...itself(...options), work];

const DESTROY = 'internal-destroy-key';
/** For `init`: tries something as the daemon. */
const ERRAND = 'internal-errand';
/** Goes on with a command of root as the daemon; the command follows (become/go-on.ts). */
const GO_ON = 'internal-go-on';
/** For `check`: loads the PKCS#11 module, which may hang or crash. */
const LOAD = 'internal-load-module';
/** Talks to the TPM; the device follows. */
const TALK_TO_TPM = 'internal-tpm';
/** tss.js 2.0.0 calls `new Buffer`. */
const QUIET = '--disable-warning=DEP0005';

const processes = { destroyer: itselfAt(DESTROY), chip: itselfAt(TALK_TO_TPM, QUIET) };

const io: Io = { out: process.stdout, err: process.stderr, env: process.env, now: Date.now };

/** Each command is loaded when it is called: `status` does not pay for the SDK. */
const COMMANDS: Readonly<Record<CommandName, (passage: Passage) => Promise<Run>>> = {
  run: async (passage) => (await import('./cli/run/command.ts')).run({ ...processes, passage }),
  init: async (passage) => {
    const { stdin, stdout } = process;
    return (await import('./cli/init/command.ts')).init({
      ...processes,
      passage,
      errand: itselfAt(ERRAND),
      stdin,
      stdout,
    });
  },
  status: async () => (await import('./cli/status/command.ts')).run,
  check: async (passage) =>
    (await import('./cli/checks/command.ts')).check({ ...processes, passage, loader: itselfAt(LOAD) }),
  reprovision: async () => (await import('./cli/request/ask.ts')).run,
  roll: async () => (await import('./cli/request/ask.ts')).run,
  csr: async () => (await import('./cli/request/csr.ts')).run,
  install: async () => (await import('./cli/request/install.ts')).install(process.stdin),
  tpm: async () => (await import('./cli/tpm.ts')).tpm(processes.chip),
  'support-bundle': async () => (await import('./cli/bundle/command.ts')).supportBundle(itself()),
  decommission: async (passage) =>
    (await import('./cli/decommission/command.ts')).decommission({ ...processes, passage, stdin: process.stdin }),
  config: async () => (await import('./cli/config.ts')).run,
  version: async () => (await import('./cli/version.ts')).run,
};

async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === DESTROY) {
    const { destroyFromStdin } = await import('../hsm/destroy.ts');
    await destroyFromStdin(process.stdin, process.stdout);
    return EXIT.done;
  }
  if (argv[0] === ERRAND) {
    const { runErrand } = await import('./cli/init/errand.ts');
    await runErrand(process.stdin, process.stdout);
    // A module may leave threads behind that never end.
    process.exit();
  }
  if (argv[0] === TALK_TO_TPM) {
    const { serveTpm } = await import('../hsm/tpm/serve.ts');
    await serveTpm(argv[1] ?? '', process.stdin, process.stdout);
    return EXIT.done;
  }
  if (argv[0] === LOAD) {
    const { answerParent } = await import('./cli/checks/apart/child.ts');
    answerParent();
    return EXIT.done;
  }
  if (argv[0] === GO_ON) {
    const { received } = await import('./machine/handed.ts');
    return called(argv.slice(1), received());
  }
  return called(argv);
}

/** @param handed where root has called it, and this process is not root's */
function called(argv: readonly string[], handed?: Handed): Promise<number> {
  return call(NEWLEAF, argv, io, async (args) => {
    const run = await COMMANDS[args.command]({ again: [...itselfAt(GO_ON), ...argv], handed });
    return run(args, io);
  });
}

// The reader has seen enough (`newleaf check | head -1`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

dialPatiently();
main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
