import { type Jobs, serve, startedBy, thisProgram, WORK } from '../../hsm/job.ts';
import { forInstance } from '../cli/instance.ts';
import { call, type Io, type Run } from '../cli/kit/command.ts';
import { endWithReader } from '../cli/kit/reader.ts';
import { type CommandName, NEWLEAF } from '../cli/table.ts';
import { EXIT } from '../failure/exit.ts';
import type { Passage } from '../machine/as-daemon.ts';
import type { Handed } from '../machine/handed.ts';
import { dialPatiently } from '../time/dialling.ts';
import { damaged } from './damaged.ts';
import { GO_ON } from './piece.ts';

/** Commands by name, each loaded when it is called: `status` does not need the memory of the SDK. */
export type Commands<Name extends CommandName = CommandName> = Readonly<
  Record<Name, (passage: Passage) => Promise<Run>>
>;

const io = (): Io => ({ out: process.stdout, err: process.stderr, env: process.env, now: Date.now });

/** Runs the command line of this process. Its exit code is that of the process. */
export function program(commands: Partial<Commands>, jobs: Jobs): void {
  startedBy([process.execPath, ...process.execArgv, process.argv[1] ?? '']);
  endWithReader(process.stdout);
  dialPatiently();
  // Without a listener Node would open its debugger to each user of the machine, in a process that is logged in to the token.
  process.on('SIGUSR1', () => undefined);
  // A command turns its own errors into sentences: what is left is a part that could not be loaded.
  main(process.argv.slice(2), commands, jobs).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => damaged(process.argv[1] ?? '', error),
  );
}

/** Runs command lines one after the other, and shows nothing of it. */
export async function rehearsed(commands: Partial<Commands>, ...lines: readonly (readonly string[])[]): Promise<void> {
  const nowhere = { write: () => true };
  for (const argv of lines) await called(commands, argv, { out: nowhere, err: nowhere, env: {}, now: Date.now });
}

async function main(argv: readonly string[], commands: Partial<Commands>, jobs: Jobs): Promise<number> {
  const [first, name = '', ...rest] = argv;
  const job = first === WORK ? jobs[name] : undefined;
  if (job !== undefined) {
    serve(await job(...rest));
    return EXIT.done;
  }
  if (first === GO_ON) {
    const { received } = await import('../machine/handed.ts');
    return called(commands, argv.slice(1), io(), received());
  }
  return called(commands, argv, io());
}

/** @param handed where root has called it, and this process is not root's */
function called(commands: Partial<Commands>, argv: readonly string[], io: Io, handed?: Handed): Promise<number> {
  return call(NEWLEAF, argv, io, async (args) => {
    const work = await commands[args.command]?.({ again: [...thisProgram(), GO_ON, ...argv], handed });
    if (work === undefined) throw new Error(`${args.command} is not in this file of the program`);
    return forInstance(work)(args, io);
  });
}
