import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  type Stats,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { linkAt, MOST_LINKS } from '../config/closed.ts';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants;
const ROOT = 0;

/**
 * Opens a file that a person has named to a command, once: the bytes that are judged are those that are used. Root reads what
 * other users cannot, and what it reads may end where they can. So root follows a link only where root alone can have laid it;
 * from the first directory on that another user may change, the path must lead to a regular file without one, and the file must
 * have one name. Who owns the file decides nothing: a link on the way leads to files of root, and a person may name such a file.
 * The kernel names what was opened (proc(5), fd/), so no change in between helps.
 * @returns its descriptor
 * @throws the error of open(2); ELOOP with the reason; EISDIR or EINVAL for what is no file
 */
export function openGiven(path: string): number {
  if (process.geteuid?.() !== ROOT) return openSync(path, 'r');
  return opened(path, O_RDONLY | O_NONBLOCK, (found, place) => {
    if (!found.isFile()) throw failed(found.isDirectory() ? 'EISDIR' : 'EINVAL', `${path} is no regular file`);
    if (found.nlink > 1 && !isOfRoot(dirname(place))) throw strange(path);
  });
}

/**
 * Why a path leads to no file, as the end of a sentence; undefined where it does. A directory may be closed to the daemon, and
 * open to the caller of init.
 */
export function noFile(place: string): string | undefined {
  let found: Stats;
  try {
    found = statSync(place);
  } catch {
    return `must be a file that is there: there is no ${place}`;
  }
  return found.isFile() ? undefined : `must be a file: ${place} is ${found.isDirectory() ? 'a directory' : 'none'}`;
}

/** The content of such a file. @throws as `openGiven`, and the error of read(2) */
export function readGiven(path: string): Buffer {
  const file = openGiven(path);
  try {
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Writes a file that a person has named to a command. For root, the directory is held open in the same way: no other user can
 * put another in its place. The file itself must be made with O_EXCL, or come by rename(2).
 * @param path absolute
 * @param work gets the path by which it is written
 * @throws as `openGiven`
 */
export async function inGivenPlace<T>(path: string, work: (path: string) => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== ROOT) return work(path);
  const directory = opened(dirname(path), O_RDONLY | O_DIRECTORY);
  const held = `/proc/self/fd/${directory}/`;
  try {
    return await work(`${held}${basename(path)}`);
  } catch (error) {
    for (let one = error; one instanceof Error; one = one.cause)
      one.message = one.message.replaceAll(held, join(dirname(path), '/'));
    throw error;
  } finally {
    closeSync(directory);
  }
}

function opened(path: string, flags: number, judge: (found: Stats, place: string) => void = () => undefined): number {
  const place = withoutLinksOfRoot(resolve(path));
  const file = unlessLink(path, place, flags);
  try {
    if (readlinkSync(`/proc/self/fd/${file}`) !== place) throw strange(path);
    judge(fstatSync(file), place);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** The path with the links followed that are in directories of root. As long as those alone were passed, it cannot change. */
function withoutLinksOfRoot(path: string): string {
  let way = '/';
  let rest = path.split('/').filter(Boolean);
  for (let links = 0; isOfRoot(way); ) {
    const [name, ...more] = rest;
    if (name === undefined) break;
    const target = linkAt(join(way, name));
    rest = target === undefined ? more : [...resolve(way, target).split('/').filter(Boolean), ...more];
    way = target === undefined ? join(way, name) : '/';
    links += target === undefined ? 0 : 1;
    if (links > MOST_LINKS) throw failed('ELOOP', `${path} leads in circles`);
  }
  return join(way, ...rest);
}

function unlessLink(path: string, place: string, flags: number): number {
  try {
    return openSync(place, flags | O_NOFOLLOW);
  } catch (error) {
    throw linkAt(place) === undefined ? error : strange(path);
  }
}

/** No other user may change the names in it. */
function isOfRoot(directory: string): boolean {
  const { uid, mode } = lstatSync(directory);
  return uid === ROOT && (mode & 0o022) === 0;
}

const failed = (code: string, message: string): Error => Object.assign(new Error(message), { code });

const strange = (path: string): Error =>
  failed('ELOOP', `${path} has a link on its way, or a second name, which another user may have made: root takes none`);
