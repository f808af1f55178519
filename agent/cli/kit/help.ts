import { type Screen, wrap } from './screen.ts';
import { headsOf, namesOf, type OptionSpec, specOf, type Tool, tailsOf } from './tool.ts';

/** ASCII everywhere and 80 columns at most, so that the help can be quoted. */
const WIDTH = 80;
const pageOf = (width: number): Screen => ({ width: Math.min(width, WIDTH), isColoured: false, isUnicode: false });

type Row = readonly [name: string, meaning: string];

/** `newleaf help`. A serial console has 24 lines and no way back, so this has fewer. */
export function overview(tool: Tool, width = WIDTH): string {
  const page = pageOf(width);
  const { name, topics = {}, families = {} } = tool;
  const rows = headsOf(tool).flatMap((head): readonly Row[] => {
    const family = families[head];
    return family === undefined
      ? rowsOf(tool, head)
      : [[`${head} ...`, `${family}: ${tailsOf(tool, head).join(', ')}`]];
  });
  const [topic] = Object.keys(topics);
  const help: Row =
    topic === undefined
      ? ['help [COMMAND]', `Explain ${name}, or one command`]
      : ['help [NAME]', `Explain ${name}, a command, or a code such as ${topic}`];
  const options = Object.entries(tool.options).map((option) => optionRow(option)[0]);
  return text(
    wrap(page, tool.purpose),
    [...wrap(page, `Usage: ${name} COMMAND [OPTION...]`), ...columns(page, [...rows, help])],
    wrap(page, `Options of every command: ${options.join('; ')}`),
    tool.begin.flatMap((row) => (row.length > page.width ? wrap(page, row) : row)),
  );
}

/** The commands that begin with a word: `newleaf help uplink` */
export function family(tool: Tool, head: string, width = WIDTH): string {
  const page = pageOf(width);
  return text(
    wrap(page, `Usage: ${tool.name} ${head} ... [OPTION...]`),
    columns(page, rowsOf(tool, head)),
    wrap(page, `More about one of them: ${tool.name} help ${head} ${tailsOf(tool, head)[0]}`),
  );
}

const rowsOf = (tool: Tool, head: string): readonly Row[] =>
  namesOf(tool).flatMap((name) => (name.split(' ')[0] === head ? [[name, specOf(tool, name).meaning]] : []));

/** `newleaf COMMAND --help` */
export function explain(tool: Tool, name: string, width = WIDTH): string {
  const page = pageOf(width);
  const { meaning, about, options, examples, exits } = specOf(tool, name);
  // A line to copy is not wrapped.
  const shown = examples.flatMap(({ line, meaning: what }) => [
    `  ${line}`,
    ...(what ? wrap(page, what, { first: ' '.repeat(6) }) : []),
  ]);
  return text(
    wrap(page, `${tool.name} ${name}: ${meaning}`),
    wrap(page, usageOf(tool, name), { first: '', rest: ' '.repeat('Usage: '.length) }),
    ...about.map((paragraph) => wrap(page, paragraph)),
    ['Options:', ...columns(page, Object.entries({ ...options, ...tool.options }).map(optionRow))],
    ['Examples:', ...shown],
    ['Exit codes:', ...columns(page, Object.entries(exits))],
  );
}

/** `newleaf help NL-DPS-DISABLED` */
export const explainTopic = (paragraphs: readonly string[], width = WIDTH): string =>
  text(...paragraphs.map((paragraph) => wrap(pageOf(width), paragraph)));

/** `Usage: newleaf csr [-o FILE] [--new-key]` */
export function usageOf(tool: Tool, name: string): string {
  const { operands, options } = specOf(tool, name);
  const parts = Object.entries(options).map(([long, { short, value }]) => {
    const option = short !== undefined && value !== undefined ? `-${short}` : `--${long}`;
    return `[${option}${value === undefined ? '' : ` ${value}`}]`;
  });
  return ['Usage:', tool.name, name, ...(operands === undefined ? [] : [operands.shown]), ...parts].join(' ');
}

function optionRow([long, { short, value, meaning }]: [string, OptionSpec]): Row {
  const name = `${short === undefined ? '' : `-${short}, `}--${long}${value === undefined ? '' : ` ${value}`}`;
  return [name, meaning];
}

/** Where the names leave little room beside them, each meaning is below its name. */
function columns(page: Screen, rows: readonly Row[]): string[] {
  const widest = Math.max(...rows.map(([name]) => name.length)) + 4;
  const isStacked = widest > page.width / 2;
  return rows.flatMap(([name, meaning]) =>
    isStacked
      ? [`  ${name}`, ...wrap(page, meaning, { first: ' '.repeat(6) })]
      : wrap(page, meaning, { first: `  ${name}`.padEnd(widest), rest: ' '.repeat(widest) }),
  );
}

const text = (...blocks: readonly (readonly string[])[]): string =>
  `${blocks.map((block) => block.join('\n')).join('\n\n')}\n`;
