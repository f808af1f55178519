import type { Dirent, Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Failure, failure } from '../failure/failure.ts';

export interface Delivery {
  readonly name: string;
  readonly path: string;
  /** Changes when the file is written to or replaced. */
  readonly mark: string;
  /** Milliseconds since the epoch, by the writer's clock. */
  readonly writtenAt: number;
  /** Why it is left in place: it is no file to judge, and is only reported. */
  readonly left?: Failure;
  /** It is looked at when it has not changed for so long, in milliseconds. */
  readonly patienceMs?: number;
}

/** What lies in the inbox unchanged for so long, and is not taken, is told on the screen, in milliseconds. */
export const LONG_MS = 5 * 60_000;

/** Names that editors, browsers, rsync and scp give to incomplete files; and our own answers. */
const UNFINISHED = /^\.|(\.tmp|\.part|\.reason|~)$/;

/** A hidden file that may have been meant as a leaf: others keep a directory, or are of an editor. */
const INCOMPLETE = /\.(pem|crt|cer|cert|der|p7b|p7c|p7)(\W|$)/i;

const CERTIFICATE = /\.(pem|crt|cer|cert|der|p7b|p7c|p7)$/i;

/** The group may put any number of files there, and each file that is examined costs memory. */
const MOST_AT_ONCE = 200;
/** A skipped name costs only time. A larger directory on the disk of a gateway is an accident. */
const MOST_NAMES = 100_000;

const markOf = ({ ino, size, mtimeMs }: Stats): string => `${ino} ${size} ${mtimeMs}`;

/**
 * The files there, oldest first: at most 200, certificates by their names before all others, so that a leaf gets through while
 * the others are rejected little by little. Entries that stay in place share one delivery. Throws the error of opendir(3).
 */
export async function deliveriesIn(directory: string): Promise<Delivery[]> {
  const { names, folder, unfinished, isFlooded } = await namesIn(directory);
  const found = await Promise.all(names.map((name) => deliveryAt(directory, name)));
  const files: Delivery[] = found
    .filter((one) => one !== undefined)
    .sort((one, other) => one.writtenAt - other.writtenAt || (one.name < other.name ? -1 : 1));
  if (folder !== undefined) files.push(folders(directory, folder));
  if (isFlooded) files.push(flood(directory));
  const draft = unfinished === undefined ? undefined : await deliveryAt(directory, unfinished);
  if (draft !== undefined) files.push(incomplete(draft));
  return files;
}

/** Reads name by name: the list of a directory with 60,000 of them exceeds the heap of the unit. */
async function namesIn(directory: string) {
  const certificates: string[] = [];
  const others: string[] = [];
  /** One of the directories in it. */
  let folder: string | undefined;
  /** One of the files that seem to be incomplete. */
  let unfinished: string | undefined;
  let passed = 0;
  let read = 0;
  for await (const found of await opendir(directory, { bufferSize: 256 })) {
    read += 1;
    if (read > MOST_NAMES || certificates.length >= MOST_AT_ONCE) {
      passed += 1;
      break;
    }
    if (UNFINISHED.test(found.name)) {
      if (!/^\./.test(found.name) || INCOMPLETE.test(found.name)) unfinished ??= found.name;
      continue;
    }
    const kind = CERTIFICATE.test(found.name) ? certificates : others;
    if (await isFolder(directory, found)) folder ??= found.name;
    else if (kind.length < MOST_AT_ONCE) kind.push(found.name);
    else passed += 1;
  }
  const names = [...certificates, ...others];
  return {
    names: names.slice(0, MOST_AT_ONCE),
    folder,
    unfinished,
    isFlooded: passed > 0 || names.length > MOST_AT_ONCE,
  };
}

/** Some file systems do not say what an entry is (readdir(3), DT_UNKNOWN). */
async function isFolder(directory: string, found: Dirent): Promise<boolean> {
  const isTold = found.isFile() || found.isDirectory() || found.isSymbolicLink() || found.isFIFO() || found.isSocket();
  if (isTold) return found.isDirectory();
  return (await lstat(join(directory, found.name)).catch(() => undefined))?.isDirectory() === true;
}

/** Gone meanwhile: undefined. */
async function deliveryAt(directory: string, name: string): Promise<Delivery | undefined> {
  const path = join(directory, name);
  const stats = await lstat(path).catch(() => undefined);
  return stats && { name, path, mark: markOf(stats), writtenAt: stats.mtimeMs };
}

/** Under a name that no file can have. */
function left(what: string, path: string, message: string, advice: string): Delivery {
  return { name: `/${what}`, path, mark: what, writtenAt: 0, left: failure('NL-LEAF-PARSE', { message, advice }) };
}

/** Moving or removing a directory follows names that other users may change meanwhile. */
const folders = (inbox: string, name: string): Delivery =>
  left(
    'directories',
    inbox,
    `There are directories in ${inbox}, ${name} for one: newleaf leaves them where they are, and takes nothing out of them.`,
    'Put the file itself into the inbox, and remove the directory.',
  );

const flood = (inbox: string): Delivery =>
  left(
    'more',
    inbox,
    `${inbox} holds more than ${MOST_AT_ONCE} files: newleaf takes ${MOST_AT_ONCE} at a time, certificates (.pem, .crt …) first.`,
    'Find out which program puts them there, and remove the files that are no leaf.',
  );

/** While it is written to, nothing is said. */
const incomplete = ({ name, path, mark }: Delivery): Delivery => ({
  ...left(
    'unfinished',
    path,
    `${path} has the name of a file that is not complete yet: newleaf does not take it.`,
    'Once it is complete, give it a name that ends with .pem. If it is no leaf, remove it.',
  ),
  mark: `${name} ${mark}`,
  patienceMs: LONG_MS,
});

/** Neither written to nor replaced since it was found. */
export async function isUntouched({ path, mark, left }: Delivery): Promise<boolean> {
  if (left !== undefined) return true;
  const stats = await lstat(path).catch(() => undefined);
  return stats !== undefined && markOf(stats) === mark;
}
