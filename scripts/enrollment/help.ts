import type { Command, OptionSpec } from './command.ts';
import { COMMANDS, GLOBAL_OPTIONS } from './commands.ts';

const WIDTH = 90;
const EXITS = 'Exit codes: 0 done, 1 failed or not everybody is back, 2 wrong command line.';

/** `enroll --help` */
export function overview(): string {
  const commands = Object.entries(COMMANDS).map(
    ([name, { operands, meaning }]) => [`${name} ${operands}`, meaning] as const,
  );
  return page([
    ["enroll is the operator's side of rolling leaves: enrollments in DPS, identities and jobs in IoT Hub."],
    ['Usage: enroll COMMAND [OPTION...]'],
    ['Commands:', ...columns(commands)],
    ['Options of every command:', ...columns(Object.entries(GLOBAL_OPTIONS).map(optionRow))],
    [
      'Examples:',
      '  enroll add group gateways --certificate issuing-ca.pem',
      '  enroll roll-group intermediate gateways --certificate issuing-ca-2.pem',
      '  enroll reprovision --job "*" --action roll --delay 600',
      '  enroll promote gateways --pem issuing-ca-2.pem',
    ],
    [EXITS],
  ]);
}

/** `enroll COMMAND --help` */
export function explain(name: string, { operands, meaning, about, options = {}, examples }: Command): string {
  return page([
    [`enroll ${name}: ${meaning}`],
    [`Usage: enroll ${name} ${operands} [OPTION...]`],
    ...about.map((paragraph) => wrapped(paragraph, '', '')),
    ['Options:', ...columns(Object.entries({ ...options, ...GLOBAL_OPTIONS }).map(optionRow))],
    ['Examples:', ...examples.map((line) => `  ${line}`)],
    [EXITS],
  ]);
}

const optionRow = ([name, { value, meaning }]: [string, OptionSpec]): readonly [string, string] => [
  `--${name}${value === undefined ? '' : ` ${value}`}`,
  meaning,
];

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const widest = Math.max(...rows.map(([name]) => name.length));
  return rows.flatMap(([name, meaning]) => wrapped(meaning, `  ${name.padEnd(widest)}  `, ' '.repeat(widest + 4)));
}

function wrapped(text: string, first: string, rest: string): string[] {
  const lines: string[] = [];
  let line = first;
  for (const word of text.split(' ')) {
    const isEmpty = line.trimEnd() === first.trimEnd() || line === rest;
    if (!isEmpty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = `${rest}${word}`;
    } else {
      line += `${isEmpty ? '' : ' '}${word}`;
    }
  }
  return [...lines, line];
}

const page = (blocks: readonly (readonly string[])[]): string =>
  `${blocks.map((block) => block.join('\n')).join('\n\n')}\n`;
