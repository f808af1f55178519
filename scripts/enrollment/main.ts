import { CommandError, call, command, Failed, Misuse } from '../../agent/cli/kit/command.ts';
import { usageOf } from '../../agent/cli/kit/help.ts';
import type { ParsedArguments } from '../../agent/cli/kit/parse.ts';
import { COMMANDS, type CommandName, ENROLL } from './commands.ts';
import type { Desk } from './desk.ts';
import { NAME } from './name.ts';

/**
 * Runs one command line.
 * @returns the exit code: 0 done, 1 failed, 2 wrong command line
 */
export const enroll = (argv: readonly string[], desk: Desk): Promise<number> =>
  call(ENROLL, argv, desk, (args) => command(() => run(args, desk))(args, desk));

async function run(args: ParsedArguments<CommandName>, desk: Desk): Promise<number> {
  try {
    const { command: name, positionals } = args;
    if (positionals.includes('')) throw new Misuse('An operand is empty.', { advice: usageOf(ENROLL, name) });
    return await COMMANDS[name].run({ ...args, desk });
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const where = error instanceof Error ? error.stack : error;
    throw new Failed(`A defect in ${NAME}. (${where})`, { advice: 'Please report it with these lines.' });
  }
}
