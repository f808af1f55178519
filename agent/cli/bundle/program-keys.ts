import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { uplinkDirectory } from '../../state/program-name.ts';

const REGULAR = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The keys of the programs, as far as this user may read them: no part of a bundle may have them. @param state directory */
export function programKeys(state: string): readonly string[] {
  return namesBelow(uplinkDirectory(state)).flatMap((name) => {
    try {
      const { key } = JSON.parse(textAt(join(uplinkDirectory(state), name, 'program.json')));
      return typeof key === 'string' ? [key] : [];
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
