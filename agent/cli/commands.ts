import { parseArgs } from 'node:util';
import { EXIT } from '../failure/exit.ts';
import type { ParsedArguments } from './command.ts';
import { explain, overview, usageOf } from './help.ts';
import { nearest } from './nearest.ts';
import { COMMAND_NAMES, type CommandName, GLOBAL_OPTIONS, type OptionSpec, specOf } from './table.ts';

export { COMMAND_NAMES, COMMANDS, type CommandName } from './table.ts';

/** What is to be printed instead of running anything: to stdout with exit code 0, else to stderr. */
export interface Ended {
  readonly exit: number;
  readonly text: string;
}

/** Every option of every command: `newleaf --id x roll` is understood only by who knows that --id takes x. */
export const ALL_OPTIONS: Readonly<Record<string, OptionSpec>> = Object.assign(
  {},
  ...COMMAND_NAMES.map((name) => specOf(name).options),
  GLOBAL_OPTIONS,
);

/**
 * Reads the command line. Pure; never throws.
 * @param argv without node and the script
 */
export function parse(argv: readonly string[]): ParsedArguments | Ended {
  const { tokens, values } = read(argv, ALL_OPTIONS);
  const [word, ...operands] = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  if (word === undefined) return withoutCommand(argv, values.help === true);
  if (word === 'help') {
    const [about] = operands;
    if (about === undefined) return { exit: EXIT.done, text: overview() };
    return isCommand(about) ? { exit: EXIT.done, text: explain(about) } : unknownCommand(about);
  }
  if (!isCommand(word)) return unknownCommand(word);
  if (values.help === true) return { exit: EXIT.done, text: explain(word) };
  return commandLine(word, argv);
}

function commandLine(command: CommandName, argv: readonly string[]): ParsedArguments | Ended {
  const spec = specOf(command);
  const known: Readonly<Record<string, OptionSpec>> = { ...spec.options, ...GLOBAL_OPTIONS };
  const { tokens } = read(argv, known);
  const options: Record<string, string | boolean> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const option = Object.hasOwn(known, name) ? known[name] : undefined;
    if (option === undefined) return unknownOption(command, rawName, Object.keys(known));
    if (option.type === 'boolean') {
      if (value !== undefined) return wrong(`${rawName} takes no value.`, command);
      options[name] = true;
      continue;
    }
    // Without `=`, a value that looks like an option is more likely a value that was forgotten.
    const isForgotten = value === undefined || (!inlineValue && value.startsWith('-') && value !== '-');
    if (isForgotten) return wrong(`${rawName} needs a value: ${rawName} ${option.value}.`, command);
    options[name] = value;
  }
  const operands = positionals.slice(1);
  const [surplus] = operands.slice(spec.operands?.most ?? 0);
  if (surplus !== undefined) return wrong(`newleaf ${command} does not take "${surplus}".`, command);
  if (operands.length < (spec.operands?.least ?? 0)) {
    return wrong(`newleaf ${command} needs ${spec.operands?.shown}.`, command);
  }
  return { command, options, positionals: operands };
}

/** Lenient: what is wrong is said in words of our own. */
function read(argv: readonly string[], known: Readonly<Record<string, OptionSpec>>) {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { type, short }]) => [name, { type, ...(short !== undefined && { short }) }]),
  );
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
}

const isCommand = (word: string): word is CommandName => COMMAND_NAMES.some((name) => name === word);

function withoutCommand(argv: readonly string[], isHelp: boolean): ParsedArguments | Ended {
  if (isHelp) return { exit: EXIT.done, text: overview() };
  const [first] = argv;
  if (first === undefined) return { exit: EXIT.usage, text: overview() };
  // Everybody's first guess.
  if (first === '--version' || first === '-V') return { command: 'version', options: {}, positionals: [] };
  return { exit: EXIT.usage, text: 'There is no command. All commands: newleaf help\n' };
}

function unknownCommand(word: string): Ended {
  const meant = nearest(word, [...COMMAND_NAMES, 'help']);
  const guess = meant === undefined ? 'All commands: newleaf help' : `Did you mean "newleaf ${meant}"?`;
  return { exit: EXIT.usage, text: `newleaf has no command ${JSON.stringify(word)}. ${guess}\n` };
}

function unknownOption(command: CommandName, written: string, known: readonly string[]): Ended {
  const meant = nearest(written.replace(/^-+/, ''), known);
  const guess = meant === undefined ? `See: newleaf ${command} --help` : `Did you mean --${meant}?`;
  return { exit: EXIT.usage, text: `newleaf ${command} has no option ${JSON.stringify(written)}. ${guess}\n` };
}

function wrong(sentence: string, command: CommandName): Ended {
  return { exit: EXIT.usage, text: `${sentence} ${usageOf(command)}\n` };
}
