import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The chain of the leaf that `newleaf init --adopt` has taken over, leaf first. Read by a gateway that has no leaf yet. */
export const adoptedFile = (directory: string): string => join(directory, 'adopted.pem');

/** Undefined where there is none. */
export async function adoptedChain(directory: string): Promise<string | undefined> {
  try {
    return await readFile(adoptedFile(directory), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
