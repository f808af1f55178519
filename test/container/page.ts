import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Volumes } from './container.ts';
import type { Ended, Engine } from './engine.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../systemd/container.md'), 'utf8');

/** The block of the page below this heading. @param kind as behind its fence @param has words that are in it */
export function blockOf(heading: string, kind: string, has = ''): string {
  const section = PAGE.split(/^## /m).find((one) => one.startsWith(`${heading}\n`)) ?? '';
  const blocks = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)];
  const found = blocks.find(([, name, text = '']) => name === kind && text.includes(has));
  if (found?.[2] === undefined) throw new Error(`The page has no block ${kind} with "${has}" below "${heading}".`);
  return found[2];
}

/** The line of a shell block that begins so, with those that continue it. */
export function lineOf(block: string, begins: string): string {
  const lines = block.replaceAll(/\\\n\s*/g, '').split('\n');
  const found = lines.find((line) => line.startsWith(begins));
  if (found === undefined) throw new Error(`No line begins with "${begins}".`);
  return found;
}

/** Only a terminal needs these. */
const NOT_HERE = new Set(['--interactive', '--tty']);

/**
 * A command of the page, or of an arrow, as a person types it: `docker` is the engine of the test, and /etc/newleaf of the
 * host a directory of it.
 * @param more behind it
 */
export function type(
  engine: Engine,
  { configuration }: Pick<Volumes, 'configuration'>,
  line: string,
  ...more: readonly string[]
): Promise<Ended> {
  const [docker, ...words] = line.split(/\s+/);
  if (docker !== 'docker') throw new Error(`That is no command of the engine: ${line}`);
  const args = words
    .filter((word) => !NOT_HERE.has(word))
    .map((word) => word.replace(/^\/etc\/newleaf:/, `${configuration}:`));
  return engine.call(...args, ...more);
}

/** A command that is alone behind its arrow has no marks. */
const BARE = /(?:→|->) ((?:docker|newleaf) (?:[^`\n]*\\\n)*[^`\n]*)$/gm;

/** The commands of the engine behind the arrows of a screen, in their order. */
export const arrowsIn = ({ out, err }: Ended): readonly string[] =>
  [
    ...`${out}${err}`
      .replaceAll(BARE, '`$1`')
      .replaceAll(/(\s\\)?\s+/g, ' ')
      .matchAll(/`((?:docker|newleaf) [^`]+)`/g),
  ].map(([, command = '']) => command);
