import { Misuse } from '../../agent/cli/kit/command.ts';
import type { ParsedArguments } from '../../agent/cli/kit/parse.ts';
import { safe, screenOf } from '../../agent/cli/kit/screen.ts';
import type { CommandSpec } from '../../agent/cli/kit/tool.ts';
import type { Desk } from './desk.ts';

export interface Call extends ParsedArguments {
  readonly desk: Desk;
}

export interface Command extends CommandSpec {
  readonly run: (call: Call) => Promise<number>;
}

/** Exit codes, where a command has no more exact meaning. */
export const EXITS = {
  0: 'Done.',
  1: 'Failed, or not agreed to.',
  2: 'Wrong command line, file or connection string.',
};

/** One operand, which must be there. */
export const one = (shown: string) => ({ shown, least: 1, most: 1 });

/** @throws Misuse where it is not one of them */
export function oneOf<T extends string>({ options }: Call, name: string, known: readonly T[]): T | undefined {
  const value = options[name];
  const found = known.find((one) => one === value);
  if (value !== undefined && found === undefined) {
    throw new Misuse(`--${name} is one of ${known.join(', ')}, not "${value}".`);
  }
  return found;
}

export const DAY_SECONDS = 86_400;

/** @throws Misuse where it is no whole number from 0 to `most` */
export function seconds({ options }: Call, name: string, fallback: number, most: number): number {
  const value = options[name] ?? fallback;
  const read = Number(value);
  if (!Number.isInteger(read) || read < 0 || read > most || value === '') {
    throw new Misuse(`--${name} is a number of seconds from 0 to ${most}, not "${value}".`);
  }
  return read;
}

/** The only operand of most commands. */
export const only = ({ positionals: [operand = ''] }: Call): string => operand;

/**
 * Whether to go on. Shows nothing where the answer is given already.
 * @throws Misuse where there is no terminal to ask on
 */
export async function agreed({ desk, options }: Call, question: string): Promise<boolean> {
  if (options.yes === true) return true;
  if (desk.ask === undefined) throw new Misuse(`${question} The question cannot be asked: repeat with --yes.`);
  return /^y(es)?$/i.test((await desk.ask(`${safe(screenOf(desk.err, desk.env), question)} [y/N] `)).trim());
}
