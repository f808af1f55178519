import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Where an answer is typed. */
export type Keyboard = Readable & { readonly isTTY?: boolean };

/** The next line; empty where there is none. */
export async function typedLine(stdin: Readable): Promise<string> {
  const lines = createInterface({ input: stdin });
  try {
    for await (const line of lines) return line.trim();
    return '';
  } finally {
    lines.close();
  }
}
