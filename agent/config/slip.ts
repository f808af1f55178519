import { isTable } from './kinds.ts';

/** Quotes that web pages and word processors make of ": from U+2018 to U+201F, and the two of French. */
const TYPOGRAPHIC = /[\u2018-\u201F\u00AB\u00BB]/;

const KEY = 'letters, digits, - and _';

/** The rest of the line from the mistake on, and the whole line. */
interface Place {
  readonly here: string;
  readonly line: string;
}

/** What smol-toml 1.9.1 says, and what the person has most likely done. The first that fits counts. */
const SLIPS: readonly (readonly [reason: RegExp, words: string, fits?: (place: Place) => boolean])[] = [
  [
    /./,
    'it has the quotes of a web page or a word processor: write " in their place',
    ({ line }) => TYPOGRAPHIC.test(line),
  ],
  [/^unexpected end of key|empty bare key/, 'the name of the setting or section is missing'],
  [/^control characters .* strings/, 'the text that begins here has no closing quote', ({ here }) => here === ''],
  [/^unfinished string/, 'the text that begins here has no closing quote'],
  [
    /\bkey(:|$)/,
    'the closing bracket of the section is missing: write it as [dps]',
    ({ line }) => /^\s*\[[^\]]*$/.test(line),
  ],
  [
    /\bkey(:|$)/,
    'the opening bracket of the section is missing: write it as [dps]',
    ({ line }) => /^[^[=]*\]/.test(line),
  ],
  [/\bkey(:|$)/, '= is missing: write a setting as KEY = VALUE', ({ line }) => !/^\s*\[|=/.test(line)],
  [/\bkey(:|$)/, `the name of a setting or section has ${KEY} only`],
  [/^invalid value/, 'a value is missing here', ({ here }) => /^\s*(#|$)/.test(here)],
  [
    /^(invalid|illegal|unfinished) .*(value|zero|literal|underscore|date)/,
    'the value is not understood: it must be true, false, a number, or a text in quotes, as "66%"',
  ],
  [/^trying to redefine/, 'this setting or section stands in the file twice'],
  [/^expected comma/, 'a comma, a quote, or the closing bracket is missing before this'],
  [/^unfinished (array|table)/, 'what begins here has no closing bracket'],
  [
    /^each key-value/,
    'something stands behind the value: each setting has a line of its own, and a comment begins with #',
  ],
  [/escape/, 'a \\ in a text has a meaning of its own: write it twice, or the text in single quotes'],
];

/**
 * What is wrong with a text that is no TOML: `FILE:12: the text that …`. Of the text it quotes nothing, because that may be a
 * misplaced PIN.
 * @param error what smol-toml has thrown
 */
export function slipIn(toml: string, file: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // The message goes on with the lines around the mistake.
  const reason = (message.split('\n')[0] ?? '').replace('Invalid TOML document: ', '');
  const { line: number, column } = isTable(error) ? error : {};
  if (typeof number !== 'number' || typeof column !== 'number') return `${file}: ${reason}.`;
  const line = toml.split(/\r?\n/)[number - 1] ?? '';
  const place = { line, here: line.slice(column - 1) };
  const [, words = reason] = SLIPS.find(([said, , fits]) => said.test(reason) && fits?.(place) !== false) ?? [];
  return `${file}:${number}: ${words}.`;
}
