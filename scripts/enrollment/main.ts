import { parseArgs } from 'node:util';
import { type Command, type OptionSpec, Options } from './command.ts';
import { COMMANDS, GLOBAL_OPTIONS } from './commands.ts';
import { type Desk, Failed, Misuse } from './desk.ts';
import { explain, overview } from './help.ts';

const DONE = 0;
const FAILED = 1;
const MISUSED = 2;

/**
 * Runs one command line.
 * @returns the exit code: 0 done, 1 failed, 2 wrong command line
 */
export async function enroll(argv: readonly string[], desk: Desk): Promise<number> {
  try {
    return await run(argv, desk);
  } catch (error) {
    if (error instanceof Misuse) {
      desk.err.write(`enroll: ${error.message}\n`);
      return MISUSED;
    }
    if (error instanceof Failed) {
      desk.err.write(`enroll: ${error.message}\n`);
      return FAILED;
    }
    throw error;
  }
}

async function run(argv: readonly string[], desk: Desk): Promise<number> {
  const [first = '', second = ''] = argv;
  if (['', 'help', '--help', '-h'].includes(first)) {
    desk.out.write(overview());
    return first === '' ? MISUSED : DONE;
  }
  const name = [`${first} ${second}`, first].find((one) => Object.hasOwn(COMMANDS, one));
  const command = name === undefined ? undefined : COMMANDS[name];
  if (name === undefined || command === undefined) {
    const longer = Object.keys(COMMANDS).filter((one) => one.startsWith(`${first} `));
    throw new Misuse(
      longer.length > 0 ? `Which? ${longer.join(' | ')}` : `There is no command "${first}". All of them: enroll --help`,
    );
  }
  const { values, positionals } = read(command, argv.slice(name.split(' ').length));
  const options = new Options(values);
  if (options.flag('help')) {
    desk.out.write(explain(name, command));
    return DONE;
  }
  const { least, most } = command.count ?? { least: 1, most: 1 };
  if (positionals.length < least || positionals.length > most || positionals.includes('')) {
    throw new Misuse(`Usage: enroll ${name} ${command.operands} [OPTION...]`);
  }
  const manner = { yes: options.flag('yes'), dryRun: options.flag('dry-run') };
  return command.run({ desk, manner, operands: positionals, options });
}

/** @throws Misuse for an option that the command does not have */
function read({ options = {} }: Command, args: string[]) {
  const known: Readonly<Record<string, OptionSpec>> = { ...options, ...GLOBAL_OPTIONS };
  const specs = Object.entries(known).map(([name, { type, multiple = false }]) => [name, { type, multiple }] as const);
  try {
    return parseArgs({ args, options: Object.fromEntries(specs), allowPositionals: true, strict: true });
  } catch (error) {
    throw new Misuse(error instanceof Error ? error.message : String(error));
  }
}
