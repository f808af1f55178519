import { join } from 'node:path';
import { type Check, type Finding, failed, ok, skipped, warning } from './check.ts';
import type { Site } from './site.ts';

/** A state file has some KiB; it is written beside the old one, and leaf, chain and CSR are written as well. */
const FULL = { bytes: 64 * 1024, files: 4 };
const SCARCE = { bytes: 1024 * 1024, files: 32 };
const MAKE_ROOM = 'Make room: see `df -h` and `df -i`.';

export const stateDirectory: Check = {
  id: 'state-directory',
  describes: 'The state directory can be written, and has room.',
  needs: ['configuration'],
  async look(site) {
    const { directory } = (await site.config()).config.state;
    if ((await site.mode(directory)) === 'absent') return ok(`There is no ${directory} yet: newleaf makes it.`);
    const obstacle = await obstacleAt(site, directory);
    if (obstacle !== undefined) return obstacle;
    const { bytes, files } = await site.room(directory);
    const left = `${kib(bytes)}${files === Number.POSITIVE_INFINITY ? '' : ` and ${files} files`}`;
    if (bytes < FULL.bytes || files < FULL.files) {
      return failed('NL-STATE-WRITE', `The file system of ${directory} is full: ${left} are left.`, MAKE_ROOM);
    }
    const message = `${directory} can be written, with room for ${left}.`;
    return bytes < SCARCE.bytes || files < SCARCE.files ? warning(message, MAKE_ROOM) : ok(message);
  },
};

export const inbox: Check = {
  id: 'inbox',
  describes: 'newleaf can take a leaf out of the inbox.',
  of: 'x509',
  needs: ['state-directory'],
  async look(site) {
    const directory = join((await site.config()).config.state.directory, 'inbox');
    if ((await site.mode(directory)) === 'absent') return ok(`There is no ${directory} yet: the daemon makes it.`);
    return (await obstacleAt(site, directory)) ?? ok(`Leaves can be put into ${directory}.`);
  },
};

/** Why the daemon cannot write there. */
async function obstacleAt({ access, user }: Site, directory: string): Promise<Finding | undefined> {
  try {
    await access(directory, 'write');
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EROFS') {
      const advice = 'See with `dmesg` why, and mount it for writing again.';
      return failed('NL-STATE-WRITE', `${directory} is on a file system that is read-only.`, advice);
    }
    if (code === 'ENOTDIR') {
      const advice = `See what it is, and move it away: newleaf makes the directory.`;
      return failed('NL-STATE-WRITE', `${directory} is no directory.`, advice);
    }
    if (code !== 'EACCES') throw error;
    if (user === undefined) return skipped(`This user may not write to ${directory}.`, 'sudo newleaf check');
    return failed(
      'NL-STATE-WRITE',
      `The user ${user} may not write to ${directory}.`,
      `chown -R ${user}: ${directory}`,
    );
  }
}

const kib = (bytes: number): string =>
  bytes < 10 * 1024 * 1024 ? `${Math.floor(bytes / 1024)} KiB` : `${Math.floor(bytes / 1024 / 1024)} MiB`;
