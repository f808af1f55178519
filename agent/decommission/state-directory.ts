import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../durable.ts';
import { Fault } from '../roll/failure.ts';

const STATE = 'state.json';

/**
 * What newleaf keeps beside its state, in the order in which it goes. Everything else stays: the directory is the home of
 * the daemon's user, and a token may live in it.
 */
export const FILES: readonly string[] = [
  'leaf.pem',
  'chain.pem',
  'next.pem',
  'csr',
  'inbox',
  'rejected',
  'command-cookie',
  'tpm-next-key',
  'refused-pin.json',
  'ended.json',
];

/** What a power cut leaves of a file that was being written (durable.ts, hsm/pin-record.ts). */
const DRAFTS = [...FILES, STATE].flatMap((name) => [`.${name}.new`, `${name}.new`]);

/** The names in the state directory that are newleaf's, the state itself last. None where there is no directory. */
export async function filesIn(directory: string): Promise<readonly string[]> {
  const there = await readdir(directory).catch((cause: NodeJS.ErrnoException): string[] => {
    if (cause.code === 'ENOENT') return [];
    throw new Fault('NL-STATE-WRITE', { message: `${directory} cannot be read.`, cause });
  });
  return [...FILES, ...DRAFTS, STATE].filter((name) => there.includes(name));
}

/**
 * Removes them. The state, which says that the gateway is given up, goes when everything before it is gone for good.
 * @throws Fault NL-STATE-WRITE
 */
export async function removeFiles(directory: string): Promise<void> {
  const names = await filesIn(directory);
  try {
    for (const name of names.filter((one) => one !== STATE)) {
      await rm(join(directory, name), { recursive: true, force: true });
    }
    if (names.length > 0) await syncDirectory(directory);
    await rm(join(directory, STATE), { force: true });
    if (names.length > 0) await syncDirectory(directory);
  } catch (cause) {
    throw new Fault('NL-STATE-WRITE', { message: `What is in ${directory} cannot be removed.`, cause });
  }
}
