import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

/** A directory that is shared with others may have very many. */
const MOST_NAMES = 500;
/** In a subdirectory: a flooded one leaves room for the others. */
const MOST_BELOW = 100;
/** As deep as newleaf writes: uplink/NAME/queue/. */
const DEEPEST = 4;

/**
 * Names, owners and modes in a directory, the top level first. Walked by hand: the group may put links into the inbox, and
 * readdir of node 20 and 24 with `recursive` follows them, in circles without an end.
 */
export async function listing(directory: string): Promise<readonly string[]> {
  const rows: string[] = [];
  // By their paths below this directory.
  const ahead = [{ inside: '', depth: 1 }];
  let left = MOST_NAMES - 1;
  for (let place = ahead.shift(); place !== undefined && left > 0; place = ahead.shift()) {
    const { inside, depth } = place;
    const most = depth === 1 ? left : Math.min(left, MOST_BELOW);
    try {
      const { names, folders, isMore } = await namesIn(join(directory, inside), most);
      if (depth === 1) rows.push(await row(directory, ''));
      rows.push(...(await Promise.all(names.map((name) => row(directory, join(inside, name))))));
      if (isMore) rows.push(`(and more in ${inside || '.'})`);
      left -= names.length;
      if (depth < DEEPEST) ahead.push(...folders.map((name) => ({ inside: join(inside, name), depth: depth + 1 })));
    } catch (error) {
      rows.push(String(error));
    }
  }
  return rows;
}

async function namesIn(path: string, most: number) {
  const names: string[] = [];
  const folders: string[] = [];
  let isMore = false;
  for await (const found of await opendir(path)) {
    isMore = names.length >= most;
    if (isMore) break;
    names.push(found.name);
    // A link to a directory is not walked.
    if (found.isDirectory()) folders.push(found.name);
  }
  return { names: names.sort(), folders: folders.sort(), isMore };
}

async function row(directory: string, name: string): Promise<string> {
  const found = await lstat(join(directory, name)).catch(() => undefined);
  if (found === undefined) return `(gone meanwhile) ${name}`;
  const { mode, uid, gid, size, mtime } = found;
  const kind = found.isDirectory() ? 'd' : found.isSymbolicLink() ? 'l' : found.isSocket() ? 's' : '-';
  const numbers = `${uid}:${gid}`.padEnd(12) + String(size).padStart(9);
  return `${kind}${(mode & 0o7777).toString(8).padStart(4, '0')} ${numbers}  ${mtime.toISOString()}  ${name || '.'}`;
}
