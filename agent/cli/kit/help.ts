import { type Screen, wrap } from './screen.ts';
import { namesOf, type OptionSpec, specOf, type Tool } from './tool.ts';

/** 80 columns and ASCII everywhere, so that the help can be quoted. */
const PAGE: Screen = { width: 80, isColoured: false, isUnicode: false };

/** `newleaf help` */
export function overview(tool: Tool): string {
  const commands = namesOf(tool).map((name) => [name, specOf(tool, name).meaning] as const);
  return page([
    [tool.purpose],
    [`Usage: ${tool.name} COMMAND [OPTION...]`],
    ['Commands:', ...columns([...commands, ['help [COMMAND]', `Explain ${tool.name}, or one command`]])],
    ['Options of every command:', ...columns(Object.entries(tool.options).map(optionRow))],
    tool.begin,
  ]);
}

/** `newleaf COMMAND --help` */
export function explain(tool: Tool, name: string): string {
  const { meaning, about, options, examples, exits } = specOf(tool, name);
  const shown = examples.flatMap(({ line, meaning: what }) => [`  ${line}`, ...(what ? [`      ${what}`] : [])]);
  return page([
    [`${tool.name} ${name}: ${meaning}`],
    [usageOf(tool, name)],
    ...about.map((paragraph) => wrap(PAGE, paragraph)),
    ['Options:', ...columns(Object.entries({ ...options, ...tool.options }).map(optionRow))],
    ['Examples:', ...shown],
    ['Exit codes:', ...columns(Object.entries(exits))],
  ]);
}

/** `Usage: newleaf csr [-o FILE] [--new-key]` */
export function usageOf(tool: Tool, name: string): string {
  const { operands, options } = specOf(tool, name);
  const parts = Object.entries(options).map(([long, { short, value }]) => {
    const option = short !== undefined && value !== undefined ? `-${short}` : `--${long}`;
    return `[${option}${value === undefined ? '' : ` ${value}`}]`;
  });
  return ['Usage:', tool.name, name, ...(operands === undefined ? [] : [operands.shown]), ...parts].join(' ');
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
