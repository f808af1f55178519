import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/**
 * Pages of Markdown have blocks that a script makes:
 *
 *   <!-- NAME: made by SCRIPT -->
 *   …
 *   <!-- end of NAME -->
 */
export type Parts = Readonly<Record<string, (before: string) => string>>;

export const ROOT = join(import.meta.dirname, '..', '..');

const MADE = new Set(['node_modules', 'dist', '.cache', '.git']);

/** Every page of the repository, by its path from the root. */
export function pages(directory = ''): readonly string[] {
  return readdirSync(join(ROOT, directory), { withFileTypes: true }).flatMap((found) => {
    const path = posix.join(directory, found.name);
    if (found.isDirectory()) return MADE.has(found.name) ? [] : pages(path);
    return found.name.endsWith('.md') ? [path] : [];
  });
}

export const readPage = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** The blocks of a text that this script makes. */
export const blocksIn = (text: string, by: string): readonly string[] =>
  [...text.matchAll(/<!-- (\S+): made by (\S+) -->/g)].flatMap(([, name = '', script]) =>
    script === by ? [name] : [],
  );

/** The text with the blocks of this script made anew. @throws Error where a block has no end, or no maker */
export function renewBlocks(text: string, by: string, parts: Parts): string {
  return blocksIn(text, by).reduce((renewed, name) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`${by} does not make "${name}"`);
    const begin = `<!-- ${name}: made by ${by} -->\n`;
    const from = renewed.indexOf(begin) + begin.length;
    const to = renewed.indexOf(`<!-- end of ${name} -->`, from);
    if (to === -1) throw new Error(`"${name}" has no end: <!-- end of ${name} -->`);
    return `${renewed.slice(0, from)}${part(renewed.slice(from, to)).trim()}\n${renewed.slice(to)}`;
  }, text);
}

/** Writes the blocks of this script on these pages, by default on all. */
export function writeBlocks(by: string, parts: Parts, named: readonly string[] = []): void {
  for (const page of named.length === 0 ? pages() : named) {
    const text = readPage(page);
    const renewed = renewBlocks(text, by, parts);
    if (renewed !== text) writeFileSync(join(ROOT, page), renewed);
  }
}
