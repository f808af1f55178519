import type { Io, ParsedArguments, Run } from './cli/command.ts';
import { type CommandName, parse } from './cli/commands.ts';
import { EXIT } from './exit.ts';

/** argv of a process that destroys a key: this very program. */
const DESTROY = 'internal-destroy-key';
const [node, itself] = [[process.execPath, ...process.execArgv], process.argv[1] ?? ''];
const destroyer = [...node, itself, DESTROY];

/** The same, for one that talks to the TPM; the device follows. tss.js 2.0.0 calls `new Buffer` (DEP0005). */
const TALK_TO_TPM = 'internal-tpm';
const chip = [...node, '--disable-warning=DEP0005', itself, TALK_TO_TPM];

const io: Io = { out: process.stdout, err: process.stderr, env: process.env, now: Date.now };

/** Each command is loaded when it is called: `status` does not pay for the SDK. */
const COMMANDS: Readonly<Record<CommandName, () => Promise<Run>>> = {
  run: async () => (await import('./run.ts')).run(destroyer),
  init: async () => (await import('./init.ts')).init(destroyer),
  status: async () => (await import('./cli/status.ts')).run,
  check: async () => (await import('./cli/check.ts')).run,
  reprovision: async () => (await import('./cli/ask.ts')).run,
  roll: async () => (await import('./cli/ask.ts')).run,
  csr: async () => (await import('./cli/csr.ts')).run,
  install: async () => (await import('./cli/install.ts')).install(process.stdin),
  tpm: async () => (await import('./cli/tpm.ts')).tpm(chip),
  decommission: async () => (await import('./decommission.ts')).decommission({ destroyer, stdin: process.stdin }),
  config: async () => (await import('./cli/config.ts')).run,
  version: async () => (await import('./cli/version.ts')).run,
};

async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === DESTROY) {
    const { destroyFromStdin } = await import('../hsm/destroy.ts');
    await destroyFromStdin(process.stdin, process.stdout);
    return EXIT.done;
  }
  if (argv[0] === TALK_TO_TPM) {
    const { serveTpm } = await import('../hsm/tpm/serve.ts');
    await serveTpm(argv[1] ?? '', process.stdin, process.stdout);
    return EXIT.done;
  }
  const parsed: ParsedArguments | { exit: number; text: string } = parse(argv);
  if ('exit' in parsed) {
    (parsed.exit === EXIT.done ? io.out : io.err).write(parsed.text);
    return parsed.exit;
  }
  const run = await COMMANDS[parsed.command]();
  return run(parsed, io);
}

// The reader has seen enough (`newleaf check | head -1`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
