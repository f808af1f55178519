import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onMissing } from '../failure/errno.ts';

/** The chain of the leaf that `newleaf init --adopt` has taken over, leaf first. Read by a gateway that has no leaf yet. */
export const adoptedFile = (directory: string): string => join(directory, 'adopted.pem');

/** Undefined where there is none. */
export const adoptedChain = (directory: string): Promise<string | undefined> =>
  readFile(adoptedFile(directory), 'utf8').catch(onMissing(undefined));
