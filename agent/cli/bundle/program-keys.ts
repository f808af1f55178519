import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KEY_FILE } from '../../state/program-key.ts';
import { uplinkDirectory } from '../../state/program-name.ts';

const REGULAR = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The keys of the programs, as far as this user may read them: no part of a bundle may have them. @param state directory */
export function programKeys(state: string): readonly string[] {
  return namesBelow(uplinkDirectory(state)).flatMap((name) => {
    try {
      // Also of a file that is damaged: what is left of it.
      return [textAt(join(uplinkDirectory(state), name, KEY_FILE)).split(/\s/)[0] ?? ''].filter((key) => key !== '');
    } catch {
      return [];
    }
  });
}

function namesBelow(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** For root, in a directory of the daemon: neither over a link nor from a pipe. @throws the error of open(2) or read(2) */
function textAt(path: string): string {
  const file = openSync(path, REGULAR);
  try {
    return fstatSync(file).isFile() ? readFileSync(file, 'utf8') : '';
  } finally {
    closeSync(file);
  }
}
