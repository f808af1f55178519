import { parseArgs } from 'node:util';
import { EXIT } from '../../failure/exit.ts';
import { explain, explainTopic, family, overview, usageOf } from './help.ts';
import { nearest } from './nearest.ts';
import { headsOf, namesOf, type OptionSpec, specOf, type Tool, tailsOf } from './tool.ts';

export interface ParsedArguments<Name extends string = string> {
  readonly command: Name;
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly positionals: readonly string[];
}

/** Text to print instead of running a command: to stdout with exit code 0, else to stderr. */
export interface Printed {
  readonly exit: number;
  readonly text: string;
}

type Parsed<Name extends string> = ParsedArguments<Name> | Printed;

/** Every option of every command: parsing `newleaf --id x roll` needs to know that --id takes x. */
export const allOptions = (tool: Tool): Readonly<Record<string, OptionSpec>> =>
  Object.assign({}, ...namesOf(tool).map((name) => specOf(tool, name).options), tool.options);

/**
 * Reads the command line. Pure; never throws.
 * @param argv without node and the script
 * @param width of the screen, for its help
 */
export function parse<Name extends string>(tool: Tool<Name>, argv: readonly string[], width?: number): Parsed<Name> {
  const { tokens, values } = read(argv, allOptions(tool));
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  if (words.length === 0) return withoutCommand(tool, argv, values.help === true, width);
  const isHelp = words[0] === 'help';
  if (isHelp && words.length === 1) return { exit: EXIT.done, text: overview(tool, width) };
  const named = isHelp ? words.slice(1) : words;
  const name = [named.slice(0, 2).join(' '), named[0] ?? ''].find((one) => isCommand(tool, one));
  if (name === undefined) return (isHelp ? helpBeside(tool, named, width) : undefined) ?? unknownCommand(tool, named);
  if (isHelp || values.help === true) return { exit: EXIT.done, text: explain(tool, name, width) };
  return commandLine(tool, name, argv);
}

function commandLine<Name extends string>(tool: Tool<Name>, command: Name, argv: readonly string[]): Parsed<Name> {
  const wrong = (sentence: string) => ({ exit: EXIT.usage, text: `${sentence} ${usageOf(tool, command)}\n` });
  const spec = specOf(tool, command);
  const known: Readonly<Record<string, OptionSpec>> = { ...spec.options, ...tool.options };
  const { tokens } = read(argv, known);
  const options: Record<string, string | boolean | readonly string[]> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const option = Object.hasOwn(known, name) ? known[name] : undefined;
    if (option === undefined) return unknownOption(`${tool.name} ${command}`, rawName, Object.keys(known));
    if (option.type === 'boolean') {
      if (value !== undefined) return wrong(`${rawName} takes no value.`);
      options[name] = true;
      continue;
    }
    // Without `=`, a value that looks like an option is more likely a forgotten value; no option looks like `-5`.
    const isForgotten = value === undefined || (!inlineValue && /^-\D/.test(value));
    if (isForgotten) return wrong(`${rawName} needs a value: ${rawName} ${option.value}.`);
    options[name] = option.multiple ? [...[options[name] ?? []].flat().map(String), value] : value;
  }
  const { least = 0, most = 0, shown } = spec.operands ?? {};
  const operands = positionals.slice(command.split(' ').length);
  const [surplus] = operands.slice(most);
  if (surplus !== undefined) return wrong(`${tool.name} ${command} does not take "${surplus}".`);
  if (operands.length < least) return wrong(`${tool.name} ${command} needs ${shown}.`);
  return { command, options, positionals: operands };
}

/** Lenient: our own sentences name the mistakes. */
function read(argv: readonly string[], known: Readonly<Record<string, OptionSpec>>) {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { type, short }]) => [name, { type, ...(short !== undefined && { short }) }]),
  );
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
}

const isCommand = <Name extends string>({ commands }: Tool<Name>, word: string): word is Name =>
  Object.hasOwn(commands, word);

function withoutCommand<Name extends string>(
  tool: Tool<Name>,
  [first]: readonly string[],
  isHelp: boolean,
  width: number | undefined,
): Parsed<Name> {
  if (isHelp || first === undefined) return { exit: isHelp ? EXIT.done : EXIT.usage, text: overview(tool, width) };
  // Most users try `version` as a command or as an option first.
  const version = 'version';
  if ((first === '--version' || first === '-V') && isCommand(tool, version)) {
    return { command: version, options: {}, positionals: [] };
  }
  return { exit: EXIT.usage, text: `There is no command. All commands: ${tool.name} help\n` };
}

/** Help on what is no whole command: `help uplink`, `help NL-DPS-DISABLED`; undefined where it knows neither. */
function helpBeside(tool: Tool, [word = '', ...more]: readonly string[], width?: number): Printed | undefined {
  if (more.length > 0) return undefined;
  if (tailsOf(tool, word).length > 0) return { exit: EXIT.done, text: family(tool, word, width) };
  const { topics = {} } = tool;
  const topic = word.toUpperCase();
  if (Object.hasOwn(topics, topic)) return { exit: EXIT.done, text: explainTopic(topics[topic] ?? [], width) };
  const meant = nearest(word, headsOf(tool)) === undefined ? nearest(topic, Object.keys(topics)) : undefined;
  const isCode = topic.includes('-') && Object.keys(topics).some((one) => one.startsWith(topic.split('-', 1)[0] ?? ''));
  if (meant === undefined && !isCode) return undefined;
  const guess = meant === undefined ? `All codes: man ${tool.name}` : `Did you mean "${tool.name} help ${meant}"?`;
  const what = meant === undefined ? 'code' : 'command or code';
  return { exit: EXIT.usage, text: `${tool.name} has no ${what} ${JSON.stringify(word)}. ${guess}\n` };
}

function unknownCommand(tool: Tool, [word = '']: readonly string[]): Printed {
  const tails = tailsOf(tool, word).map((tail) => `${word} ${tail}`);
  if (tails.length > 0) {
    return { exit: EXIT.usage, text: `There are several commands "${tool.name} ${word}": ${tails.join(' | ')}\n` };
  }
  const meant = nearest(word, [...headsOf(tool), 'help']);
  const guess = meant === undefined ? `All commands: ${tool.name} help` : `Did you mean "${tool.name} ${meant}"?`;
  return { exit: EXIT.usage, text: `${tool.name} has no command ${JSON.stringify(word)}. ${guess}\n` };
}

function unknownOption(called: string, written: string, known: readonly string[]): Printed {
  const meant = nearest(written.replace(/^-+/, ''), known);
  const guess = meant === undefined ? `See: ${called} --help` : `Did you mean --${meant}?`;
  return { exit: EXIT.usage, text: `${called} has no option ${JSON.stringify(written)}. ${guess}\n` };
}
