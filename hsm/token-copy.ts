import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TokenName } from './uri.ts';

/**
 * SoftHSM 2.6.1 keeps label, flags and PINs of a token in this file, and with the PINs the secret that its keys are encrypted with.
 * At each login it rewrites the file in place: ftruncate, the end of its lock, one write, no fsync. A kill or a power cut in between
 * leaves it empty, and the token with all its keys is lost. So a copy lies beside it before newleaf logs in. SoftHSM ignores that
 * name, and removes it with the token.
 */
const FILE = 'token.object';
const COPY = 'token.newleaf';

/** A login that is at work in another process leaves the file empty for microseconds. */
const LOOKS = 10;
const PAUSE_MS = 20;
const nap = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);

/** By softhsm2.conf(5): the first of these files that can be read. */
export function tokenDirectory({ SOFTHSM2_CONF, HOME = '/' }: NodeJS.ProcessEnv): string | undefined {
  const own = join(HOME, '.config/softhsm2/softhsm2.conf');
  const files =
    SOFTHSM2_CONF === undefined ? [own, '/etc/softhsm/softhsm2.conf', '/etc/softhsm2.conf'] : [SOFTHSM2_CONF];
  for (const file of files) {
    // Where it is not there, or closed, the module cannot read it either.
    const text = attempted(() => readFileSync(file, 'utf8'));
    if (text !== undefined) return /^\s*directories\.tokendir\s*=\s*(\S.*?)\s*$/m.exec(text)?.[1];
  }
  return undefined;
}

/** The directories of the tokens of SoftHSM. */
export function tokensBelow(directory: string): readonly string[] {
  const entries = attempted(() => readdirSync(directory, { withFileTypes: true })) ?? [];
  return entries.filter((one) => one.isDirectory()).map(({ name }) => join(directory, name));
}

/** Those that newleaf may write into: as root it uses no name that another user may have laid. */
function ownTokens(env: NodeJS.ProcessEnv): readonly string[] {
  const isOwn = (token: string) => process.geteuid?.() !== 0 || attempted(() => statSync(token).uid) === 0;
  const directory = tokenDirectory(env);
  return directory === undefined ? [] : tokensBelow(directory).filter(isOwn);
}

/**
 * Puts the copy back where a login was cut off. To be called before a process initialises the module: SoftHSM leaves out a token
 * whose file is damaged, for as long as the process lives. It writes in place, and as much as a login: what a login that is still
 * alive writes later is as good. A file that is whole, or changed in any other way, stays.
 * @param pause waits for a login that is at work
 */
export function restoreTokens(env: NodeJS.ProcessEnv = process.env, pause: () => unknown = nap): void {
  for (const token of ownTokens(env)) {
    const copy = read(join(token, COPY));
    const file = join(token, FILE);
    const isDamaged = () => copy !== undefined && isWhole(copy) && isCut(read(file) ?? copy, copy);
    for (let looks = 1; isDamaged() && looks < LOOKS; looks += 1) pause();
    if (copy !== undefined && isDamaged()) attempted(() => writeSynced(file, constants.O_WRONLY, copy));
  }
}

/** Logs in while there is a copy, as far as the disk allows: a disk that is full or read-only is no reason to stay away. */
export function withCopy({ manufacturer, serial }: TokenName, login: () => void, env = process.env): void {
  const tokens = manufacturer === 'SoftHSM project' ? ownTokens(env) : [];
  const meant = tokens.filter((token) => read(join(token, FILE))?.includes(serial));
  for (const token of meant) attempted(() => keepCopy(token));
  try {
    login();
  } finally {
    for (const token of meant) attempted(() => sync(join(token, FILE)));
  }
}

function keepCopy(token: string): void {
  const found = readFileSync(join(token, FILE));
  const path = join(token, COPY);
  // The first number counts the logins: a copy with another one serves as well.
  if (!isWhole(found) || read(path)?.subarray(8).equals(found.subarray(8))) return;
  const draft = `${path}-${randomBytes(4).toString('hex')}`;
  try {
    writeSynced(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, found);
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  sync(token);
}

/** A file of a token in which nothing is left. */
export const emptyToken = (directory: string): string | undefined =>
  tokensBelow(directory)
    .map((token) => join(token, FILE))
    .find((file) => read(file)?.every((byte) => byte === 0));

const NUMBER = 2n;
const BYTES = 3n;
/** The last attribute, as they are sorted. */
const USER_PIN = 0x8000_534d;

/** As SoftHSM reads it: a number, then attributes of a type, a kind, and a number or the length of what follows; all have 8 bytes. */
function isWhole(file: Buffer): boolean {
  let [at, type] = [8, 0];
  while (at + 24 <= file.length) {
    const [kind, value] = [file.readBigUInt64BE(at + 8), file.readBigUInt64BE(at + 16)];
    type = file.readUInt32BE(at + 4);
    at += kind === NUMBER ? 24 : kind === BYTES ? 24 + Number(value) : Number.POSITIVE_INFINITY;
  }
  return at === file.length && type === USER_PIN;
}

/** Whether a file is the beginning of the copy and no more: a file system may put zeros where data did not reach the disk. */
function isCut(file: Buffer, copy: Buffer): boolean {
  const end = Math.max(8, file.findLastIndex((byte) => byte !== 0) + 1);
  return !file.subarray(8).equals(copy.subarray(8)) && file.subarray(8, end).equals(copy.subarray(8, end));
}

function writeSynced(path: string, flags: number, bytes: Buffer): void {
  const file = openSync(path, flags | constants.O_NOFOLLOW, 0o600);
  try {
    writeFileSync(file, bytes);
    ftruncateSync(file, bytes.length);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Of a directory, too: a rename is on the disk only after it. */
function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

const read = (path: string): Buffer | undefined => attempted(() => readFileSync(path));

function attempted<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
