import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Failed } from './command.ts';
import type { Output } from './screen.ts';

/** Where an answer is typed. */
export type Keyboard = Readable & { readonly isTTY?: boolean };

export interface TypedQuestion {
  readonly out: Output;
  readonly text: string;
  /** What Ctrl-C means. */
  readonly unchanged: string;
}

/** Asks for a line; empty where there is none. @throws Failed at Ctrl-C */
export async function typedLine(stdin: Readable, { out, text, unchanged }: TypedQuestion): Promise<string> {
  const lines = createInterface({ input: stdin });
  const left = new AbortController();
  const interrupted = once(process, 'SIGINT', left).then(() => {
    // The terminal has shown ^C in the line of the question.
    throw new Failed(`\nInterrupted. ${unchanged}`);
  });
  try {
    out.write(text);
    return await Promise.race([lineOf(lines), interrupted]);
  } finally {
    interrupted.catch(() => {});
    left.abort();
    lines.close();
  }
}

async function lineOf(lines: Interface): Promise<string> {
  for await (const line of lines) return line.trim();
  return '';
}
