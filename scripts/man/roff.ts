/** Text for man(7): groff_char(7) and roff(7) list the characters that must be escaped. */

/** `mandoc -Tlint` calls a longer line bad style. */
const WIDTH = 80;

/**
 * Filled text: a line end is a blank. A hyphen is a hyphen; text to copy to a command line stands in backquotes, and becomes
 * bold.
 */
export function prose(text: string): string {
  const parts = text.split(/(`[^`]*`)/).map((part) => (/^`.*`$/.test(part) ? bold(part.slice(1, -1)) : escaped(part)));
  const lines: string[] = [];
  for (const word of parts.join('').split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > WIDTH) lines.push(word.replace(/^(?=[.'])/, '\\&'));
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join('\n');
}

/** Text that may be copied: its hyphens are ASCII. */
export const literal = (text: string): string => escaped(text).replaceAll('-', '\\-');

export const bold = (text: string): string => `\\fB${literal(text)}\\fR`;
export const italic = (text: string): string => `\\fI${literal(text)}\\fR`;

/** A heading, and its parts. A heading begins a paragraph by itself, and `mandoc -Tlint` minds a second beginning. */
const under = (heading: string, parts: readonly string[]): string =>
  [heading, parts.join('\n').replace(/^\.PP\n/, '')].join('\n');

export const section = (title: string, ...parts: readonly string[]): string => under(`.SH ${title}`, parts);
export const subsection = (title: string, ...parts: readonly string[]): string => under(`.SS ${literal(title)}`, parts);
export const paragraph = (text: string): string => `.PP\n${prose(text)}`;

/** A term, and below it its meaning. */
export const item = (term: string, meaning: string): string => `.TP\n${term}\n${meaning}`;

function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\(rs')
    .replaceAll('…', '...')
    .replace(/[^ -~\n]/gu, (one) => `\\[u${one.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`);
}
