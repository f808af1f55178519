import { opendir, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../failure/failure.ts';
import { syncDirectory } from '../../state/durable.ts';
import { isGone } from '../../state/journal.ts';
import { INIT_LOCK, LOCK } from '../../state/lock.ts';

const STATE = 'state.json';

/**
 * Files beside the state, in the order of removal. All others stay: the directory is the home of the daemon's user, and may
 * hold a token.
 */
export const FILES: readonly string[] = [
  'leaf.pem',
  'chain.pem',
  'next.pem',
  'adopted.pem',
  'csr',
  'inbox',
  'rejected',
  'command-cookie',
  'azure-requests',
  'onboarding.pem',
  'onboarding.pem.bak',
  'tpm-next-key',
  'refused-pin.json',
  'token-uri',
  'authorities.pem',
  'ended.json',
  'crashed',
  'uplink',
];

/** Only the daemon writes below it, so all of it may go. */
const WHOLE: readonly string[] = ['uplink'];

/** Files that a power cut leaves half written (durable.ts, hsm/note.ts). */
const DRAFTS = [...FILES, STATE].flatMap((name) => [`.${name}.new`, `${name}.new`]);

/** newleaf's names in the state directory, the state itself last, unless it says that all is gone. None where there is no directory. */
export async function filesIn(directory: string): Promise<readonly string[]> {
  const there = await readdir(directory).catch((cause: NodeJS.ErrnoException): string[] => {
    if (cause.code === 'ENOENT') return [];
    throw new Fault('NL-STATE-WRITE', { message: `${directory} cannot be read.`, cause });
  });
  const names = [...FILES, ...DRAFTS, ...((await isGone(directory)) ? [] : [STATE])];
  return names.filter((name) => there.includes(name));
}

/**
 * Removes them. The state stays, and says that the gateway is given up.
 * @throws Fault NL-STATE-WRITE
 */
export async function removeFiles(directory: string): Promise<void> {
  const names = (await filesIn(directory)).filter((one) => one !== STATE);
  try {
    for (const name of names) await remove(join(directory, name), WHOLE.includes(name));
    await removeLock(directory);
    if (names.length > 0) await syncDirectory(directory);
  } catch (cause) {
    throw new Fault('NL-STATE-WRITE', { message: `The files in ${directory} cannot be removed.`, cause });
  }
}

/** That of this process, which made it to look. A daemon that takes it meanwhile finds that the gateway is given up, or nothing. */
export async function removeLock(directory: string): Promise<void> {
  for (const name of [LOCK, INIT_LOCK]) await rm(join(directory, name), { force: true });
}

/**
 * A file, or a directory with the files in it. A directory that the group has put into the inbox stays: other users may change
 * the names in it while we follow them.
 */
async function remove(path: string, isWhole: boolean): Promise<void> {
  try {
    await rm(path, { force: true, recursive: isWhole });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_FS_EISDIR') throw error;
    await empty(path);
    await rmdir(path).catch((left: NodeJS.ErrnoException) => {
      if (left.code !== 'ENOTEMPTY') throw left;
    });
  }
}

/** In turns: readdir(3) may pass over names while others go. */
async function empty(directory: string): Promise<void> {
  for (let removed = true; removed; ) {
    removed = false;
    for await (const found of await opendir(directory)) {
      if (found.isDirectory()) continue;
      await unlink(join(directory, found.name));
      removed = true;
    }
  }
}
