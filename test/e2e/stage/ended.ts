import type { Ended } from './gateway.ts';

export interface Told {
  readonly code: string;
  /** Everything a person reads, in one line. */
  readonly sentence: string;
}

/** The failure that a program ended with, from the last line of its log or from stderr. */
export function failureIn({ out, err }: Ended): Told {
  const lines = out.split('\n').filter((line) => line.startsWith('{'));
  const last = lines.at(-1);
  if (last !== undefined) {
    const { code, message, advice } = JSON.parse(last);
    return { code: String(code), sentence: `${message} ${advice}` };
  }
  const sentence = err.replaceAll(/\s+/g, ' ').trim();
  return { code: /NL-[A-Z0-9-]+/.exec(sentence)?.[0] ?? '', sentence };
}
