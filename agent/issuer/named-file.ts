import { readFile } from 'node:fs/promises';
import { Fault } from '../failure/failure.ts';

/**
 * The text of a file that the configuration names. Read again at each use: it may change while the daemon runs.
 * @param setting its name, for the sentence of the failure
 * @throws Fault NL-CONFIG
 */
export async function readNamed(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Fault('NL-CONFIG', { message: `${setting}: ${path} cannot be read.`, cause });
  }
}
