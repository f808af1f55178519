import { accessSync, constants, readlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** As path_resolution(7). */
export const MOST_LINKS = 40;

/** The part of a path that refuses this user. */
export interface Closed {
  readonly path: string;
  /** A directory that must be passed, and not the file itself. */
  readonly isPassage: boolean;
}

/** The first part of the way to a file that is closed to this user, links followed; undefined where it can be read. */
export function closedOn(file: string, links = 0): Closed | undefined {
  const names = resolve(file).split('/');
  let path = '';
  for (const [at, name] of names.entries()) {
    path = join('/', path, name);
    const isPassage = at < names.length - 1;
    const target = linkAt(path);
    if (target !== undefined && links < MOST_LINKS)
      return closedOn(join(resolve(dirname(path), target), ...names.slice(at + 1)), links + 1);
    if (isClosed(path, isPassage ? constants.X_OK : constants.R_OK)) return { path, isPassage };
  }
  return undefined;
}

function isClosed(path: string, to: number): boolean {
  try {
    accessSync(path, to);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

/** The target of a link; undefined for everything else. */
export function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/**
 * How root opens a directory on the way, or a file without a secret, and gives neither away.
 * @param ours a directory of newleaf that all users may pass, as they may those above it
 */
export function opening({ path, isPassage }: Closed, ...ours: readonly string[]): string {
  if (!isPassage) return `\`chmod 0644 ${path}\``;
  const isOurs = ours.some((place) => `${place}/`.startsWith(join(path, '/')));
  return isOurs ? `\`chmod 0755 ${path}\`` : `\`chmod o+x ${path}\` (or keep the file in ${ours[0]})`;
}
