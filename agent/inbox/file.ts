import type { Dirent, Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Failure, failure } from '../failure/failure.ts';

/** Something that lies in the inbox. */
export interface Delivery {
  readonly name: string;
  readonly path: string;
  /** Differs as soon as somebody has written to it, or put another one in its place. */
  readonly mark: string;
  /** Milliseconds since the epoch, by the clock of whoever wrote it. */
  readonly writtenAt: number;
  /** Why it is left where it is: it is no file to be judged, only something to tell of. */
  readonly left?: Failure;
}

/** What editors, browsers, rsync and scp call a file that is not complete; and our own answers. */
const UNFINISHED = /^\.|(\.tmp|\.part|\.reason|~)$/;

/** What CAs and people call a certificate. */
const CERTIFICATE = /\.(pem|crt|cer|cert|der|p7b|p7c|p7)$/i;

/** The group may put any number of files there, and each that is looked at costs memory. */
const MOST_AT_ONCE = 200;
/** A name that is passed over costs time only. Directories on the disk of a gateway that are larger have met an accident. */
const MOST_NAMES = 100_000;

const markOf = ({ ino, size, mtimeMs }: Stats): string => `${ino} ${size} ${mtimeMs}`;

/**
 * What lies there, oldest first: of very much at most 200, certificates by their names before all others, so that a leaf gets
 * through while what is none is rejected by and by. What is left where it is has one entry of its own. Throws the error of
 * opendir(3).
 */
export async function deliveriesIn(directory: string): Promise<Delivery[]> {
  const { names, folder, isFlooded } = await namesIn(directory);
  const found = await Promise.all(names.map((name) => deliveryAt(directory, name)));
  const files = found
    .filter((one) => one !== undefined)
    .sort((one, other) => one.writtenAt - other.writtenAt || (one.name < other.name ? -1 : 1));
  return [
    ...files,
    ...(folder === undefined ? [] : [folders(directory, folder)]),
    ...(isFlooded ? [flood(directory)] : []),
  ];
}

interface Names {
  readonly names: readonly string[];
  /** One of the directories that lie there. */
  readonly folder: string | undefined;
  /** There are more. */
  readonly isFlooded: boolean;
}

/** Reads name by name: the list of a directory with 60,000 of them is more than the heap of the unit bears. */
async function namesIn(directory: string): Promise<Names> {
  const certificates: string[] = [];
  const others: string[] = [];
  let folder: string | undefined;
  let passed = 0;
  let read = 0;
  for await (const found of await opendir(directory, { bufferSize: 256 })) {
    read += 1;
    if (read > MOST_NAMES || certificates.length >= MOST_AT_ONCE) {
      passed += 1;
      break;
    }
    if (UNFINISHED.test(found.name)) continue;
    const kind = CERTIFICATE.test(found.name) ? certificates : others;
    if (await isFolder(directory, found)) folder ??= found.name;
    else if (kind.length < MOST_AT_ONCE) kind.push(found.name);
    else passed += 1;
  }
  const names = [...certificates, ...others];
  return { names: names.slice(0, MOST_AT_ONCE), folder, isFlooded: passed > 0 || names.length > MOST_AT_ONCE };
}

/** Some file systems do not say what an entry is (readdir(3), DT_UNKNOWN). */
async function isFolder(directory: string, found: Dirent): Promise<boolean> {
  const isTold = found.isFile() || found.isDirectory() || found.isSymbolicLink() || found.isFIFO() || found.isSocket();
  if (isTold) return found.isDirectory();
  return (await lstat(join(directory, found.name)).catch(() => undefined))?.isDirectory() === true;
}

/** Undefined where it has gone meanwhile. */
async function deliveryAt(directory: string, name: string): Promise<Delivery | undefined> {
  const path = join(directory, name);
  const stats = await lstat(path).catch(() => undefined);
  return stats && { name, path, mark: markOf(stats), writtenAt: stats.mtimeMs };
}

/** Under a name that no file can have. */
const left = (what: string, path: string, message: string, advice: string): Delivery => {
  const name = `/${what}`;
  return { name, path, mark: what, writtenAt: 0, left: failure('NL-LEAF-PARSE', { message, advice }) };
};

/** To move or to remove a directory means to follow names that somebody else may change meanwhile. */
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
    'Find out who puts them there, and remove what is no leaf.',
  );

/** Nobody has touched it since it was found. */
export async function isUntouched({ path, mark, left }: Delivery): Promise<boolean> {
  if (left !== undefined) return true;
  const stats = await lstat(path).catch(() => undefined);
  return stats !== undefined && markOf(stats) === mark;
}
