import { type Screen, wrap } from './screen.ts';
import { COMMAND_NAMES, type CommandName, GLOBAL_OPTIONS, type OptionSpec, specOf } from './table.ts';

/** The help is the same everywhere, so that it can be quoted: 80 columns, ASCII. */
const PAGE: Screen = { width: 80, isColoured: false, isUnicode: false };

/** `newleaf help` */
export function overview(): string {
  const commands = COMMAND_NAMES.map((name) => [name, specOf(name).meaning] as const);
  return page([
    ['newleaf keeps the X.509 leaf key of an Azure IoT gateway in its HSM or TPM, and turns over a new leaf.'],
    ['Usage: newleaf COMMAND [OPTION...]'],
    ['Commands:', ...columns([...commands, ['help [COMMAND]', 'Explain newleaf, or one command']])],
    ['Options of every command:', ...columns(Object.entries(GLOBAL_OPTIONS).map(optionRow))],
    ['On a new gateway: newleaf init. How it is: newleaf status. What is wrong: newleaf check.'],
  ]);
}

/** `newleaf COMMAND --help` */
export function explain(name: CommandName): string {
  const { meaning, about, options, examples, exits } = specOf(name);
  const shown = examples.flatMap(({ line, meaning: what }) => [`  ${line}`, ...(what === '' ? [] : [`      ${what}`])]);
  return page([
    [`newleaf ${name}: ${meaning}`],
    [usageOf(name)],
    ...about.map((paragraph) => wrap(PAGE, paragraph)),
    ['Options:', ...columns(Object.entries({ ...options, ...GLOBAL_OPTIONS }).map(optionRow))],
    ['Examples:', ...shown],
    ['Exit codes:', ...columns(Object.entries(exits))],
  ]);
}

/** `Usage: newleaf csr [-o FILE] [--new-key]` */
export function usageOf(name: CommandName): string {
  const { operands, options } = specOf(name);
  const parts = Object.entries(options).map(([long, { short, value }]) => {
    const option = short !== undefined && value !== undefined ? `-${short}` : `--${long}`;
    return `[${option}${value === undefined ? '' : ` ${value}`}]`;
  });
  return ['Usage: newleaf', name, ...(operands === undefined ? [] : [operands.shown]), ...parts].join(' ');
}

function optionRow([long, { short, value, meaning }]: [string, OptionSpec]): readonly [string, string] {
  const name = `${short === undefined ? '' : `-${short}, `}--${long}${value === undefined ? '' : ` ${value}`}`;
  return [name, meaning];
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const widest = Math.max(...rows.map(([name]) => name.length));
  return rows.flatMap(([name, meaning]) =>
    wrap(PAGE, meaning, { first: `  ${name.padEnd(widest)}  `, rest: ' '.repeat(widest + 4) }),
  );
}

function page(blocks: readonly (readonly string[])[]): string {
  return `${blocks.map((block) => block.flatMap((row) => (row.length > PAGE.width ? wrap(PAGE, row) : row)).join('\n')).join('\n\n')}\n`;
}
