import { usageOf } from '../agent/cli/kit/help.ts';
import { namesOf, type OptionSpec, specOf, type Tool } from '../agent/cli/kit/tool.ts';
import { bold, italic, item, literal, paragraph, prose, section, subsection } from './man/roff.ts';

/** The parts of a page beside the table of its commands. */
export interface Manual {
  readonly tool: Tool;
  /** 1 is for every user, 8 for administrators. */
  readonly section: 1 | 8;
  /** What it does, after its name. */
  readonly purpose: string;
  readonly description: readonly string[];
  /** Sections that only this page has. */
  readonly more: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Sections that come last. */
  readonly last?: readonly string[];
  readonly seeAlso: readonly (readonly [name: string, section: number])[];
}

const TITLES = { 1: 'General Commands Manual', 8: "System Manager's Manual" } as const;

/**
 * A page in man(7). All of it is derived: commands and exit codes from the table of the help.
 * @param at milliseconds since the epoch
 */
export function manualPage(manual: Manual, version: string, at: number): string {
  const { tool, environment } = manual;
  const { name } = tool;
  const day = new Date(at).toISOString().slice(0, 10);
  const parts = [
    '.\\" Made by scripts/man.ts.',
    `.TH ${name.toUpperCase()} ${manual.section} ${day} "newleaf ${version}" "${TITLES[manual.section]}"`,
    section('NAME', `${name} \\- ${manual.purpose}`),
    section('SYNOPSIS', `${bold(name)} ${italic('COMMAND')} [${italic('OPTION')}...]`),
    section('DESCRIPTION', ...manual.description.map(paragraph)),
    section('COMMANDS', ...namesOf(tool).map((command) => commandPart(tool, command))),
    section('OPTIONS OF EVERY COMMAND', ...Object.entries(tool.options).map(optionItem)),
    section('EXIT STATUS', ...Object.entries(tool.exits).map(([code, meaning]) => item(bold(code), prose(meaning)))),
    ...manual.more,
    section('ENVIRONMENT', ...Object.entries(environment).map(([variable, what]) => item(bold(variable), prose(what)))),
    ...(manual.last ?? []),
    section('SEE ALSO', manual.seeAlso.map(([page, part]) => `.BR ${literal(page)} (${part})`).join(' ,\n')),
  ];
  return `${parts.join('\n')}\n`;
}

function commandPart(tool: Tool, name: string): string {
  const { meaning, about, options, examples, exits } = specOf(tool, name);
  const ends = Object.entries(exits).map(([code, when]) => `${code} ${inSentence(when)}`);
  return subsection(
    headingOf(tool, name),
    paragraph(`${meaning}.`),
    ...about.map(paragraph),
    ...Object.entries(options).map(optionItem),
    ...(exits === tool.exits ? [] : [paragraph(`Exits: ${ends.join(' · ')}.`)]),
    ...examples.map(({ line, meaning: what }) =>
      what === undefined ? `.PP\n${bold(line)}` : item(bold(line), prose(what)),
    ),
  );
}

/** The usage, where it is short; the options are explained below it. */
function headingOf(tool: Tool, name: string): string {
  const usage = usageOf(tool, name).replace('Usage: ', '');
  const { shown } = specOf(tool, name).operands ?? {};
  return usage.length > 72
    ? [tool.name, name, ...(shown === undefined ? [] : [shown]), '[OPTION...]'].join(' ')
    : usage;
}

/** "Told to stop." as a part of a sentence. */
const inSentence = (text: string): string => text.replace(/\.$/, '');

function optionItem([long, { short, value, meaning }]: [string, OptionSpec]): string {
  const names = [...(short === undefined ? [] : [bold(`-${short}`)]), bold(`--${long}`)];
  return item(`${names.join(', ')}${value === undefined ? '' : ` ${italic(value)}`}`, prose(meaning));
}
