import { call, command, Misuse } from '../../agent/cli/kit/command.ts';
import { usageOf } from '../../agent/cli/kit/help.ts';
import { COMMANDS, ENROLL } from './commands.ts';
import type { Desk } from './desk.ts';

/**
 * Runs one command line.
 * @returns the exit code: 0 done, 1 failed, 2 wrong command line
 */
export function enroll(argv: readonly string[], desk: Desk): Promise<number> {
  return call(ENROLL, argv, desk, (parsed) =>
    command(async (args) => {
      if (args.positionals.includes(''))
        throw new Misuse('An operand is empty.', { advice: usageOf(ENROLL, parsed.command) });
      return COMMANDS[parsed.command].run({ ...args, desk });
    })(parsed, desk),
  );
}
