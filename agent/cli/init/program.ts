import { accessSync, constants, statSync } from 'node:fs';
import type { Written } from '../../config/schema.ts';

/** A command line without a shell: blanks separate words, quotes keep them together. */
export function issuerInWords(typed: string): readonly string[] {
  return [...typed.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}

export const argvInWords = (value: Written): string =>
  Array.isArray(value) ? value.map(quoted).join(' ') : String(value);

const quoted = (word: unknown): string => {
  const text = String(word);
  if (/^[^\s"']+$/.test(text)) return text;
  return text.includes('"') ? `'${text}'` : `"${text}"`;
};

export function notExecutable(program: string): string | undefined {
  try {
    if (!statSync(program).isFile()) return `must be a program: ${program} is none`;
    accessSync(program, constants.X_OK);
    return undefined;
  } catch {
    return `must be a program: ${program} is not there, or cannot be executed`;
  }
}
