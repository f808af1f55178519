import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Failed } from './command.ts';

/** Where an answer is typed. */
export type Keyboard = Readable & { readonly isTTY?: boolean };

/** The next line; empty where there is none. @throws Failed at Ctrl-C, with what that means */
export async function typedLine(stdin: Readable, unchanged: string): Promise<string> {
  const lines = createInterface({ input: stdin });
  const left = new AbortController();
  const interrupted = once(process, 'SIGINT', left).then(() => {
    // The terminal has shown ^C in the line of the question.
    throw new Failed(`\nInterrupted. ${unchanged}`);
  });
  try {
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
