import { readFile } from 'node:fs/promises';
import { Fault } from './roll/failure.ts';

/**
 * The CAs of DPS and hub servers, PEM. Read again for each connection: they may change while the daemon runs.
 * @throws Fault NL-CONFIG
 */
export async function readTrust(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Fault('NL-CONFIG', { message: `trust.ca_file ${path} cannot be read.`, cause });
  }
}
