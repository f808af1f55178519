import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { settingsTable } from '../agent/config/config.ts';
import { METRICS } from '../agent/daemon/metrics.ts';
import { CODES } from '../agent/failure/failure.ts';
import { STORIES } from '../test/e2e/roll/stories.ts';
import { lastingTable } from './lasting.ts';

const README = join(import.meta.dirname, '..', 'README.md');

/** The parts of the README that are derived from the source, by the name in their markers. */
const PARTS: Readonly<Record<string, () => string>> = {
  codes: codesTable,
  lasting: lastingTable,
  metrics: metricsTable,
  settings: settingsTable,
  stories: storiesTable,
};

function codesTable(): string {
  const rows = Object.entries(CODES).map(
    ([code, { kind, means, advice }]) => `| \`${code}\` | ${kind} | ${means} | ${advice} |`,
  );
  return ['| code | kind | what it means | what to do |', '|---|---|---|---|', ...rows].join('\n');
}

function metricsTable(): string {
  const rows = Object.entries(METRICS).map(([name, means]) => `| \`${name}\` | ${means} |`);
  return ['| metric | |', '|---|---|', ...rows].join('\n');
}

function storiesTable(): string {
  const typed = (lines: string | readonly string[]) =>
    [lines]
      .flat()
      .map((line) => `\`${line}\``)
      .join(' or ');
  const rows = Object.values(STORIES).map(
    ({ title, operator, device, offline }) =>
      `| ${title} | ${operator.map(typed).join('<br>')} | ${device} | ${offline} |`,
  );
  return ['| story | the operator types | the device | is offline |', '|---|---|---|---|', ...rows].join('\n');
}

/** The README with its derived parts made anew. @throws Error where a part has no place in it */
export function renew(readme: string): string {
  return Object.entries(PARTS).reduce(
    (renewed, [name, make]) => put(renewed, name, 'scripts/readme.ts', make()),
    readme,
  );
}

/** Puts a part into its place. @param by the script that makes it. @throws Error where it has no place */
export function put(readme: string, name: string, by: string, part: string): string {
  const begin = `<!-- ${name}: made by ${by} -->`;
  const end = `<!-- end of ${name} -->`;
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`README.md has no place for ${name}: ${begin} … ${end}`);
  return `${readme.slice(0, from + begin.length)}\n${part.trim()}\n${readme.slice(to)}`;
}

if (process.argv[1] === import.meta.filename) await writeFile(README, renew(await readFile(README, 'utf8')));
