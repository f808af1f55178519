import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import pkcs11js from 'pkcs11js';
import { ckrOf } from './ckr.ts';
import { placesOf, REWRITTEN, type Rewritten, read } from './rewritten.ts';
import type { TokenName } from './uri.ts';

/** The copy lies beside the file. The modules ignore that name, and SoftHSM removes it with the token. */
const copyOf = (file: string): string => `${file}.newleaf`;

/** A login that is at work in another process leaves the file empty for microseconds. */
const LOOKS = 10;
const PAUSE_MS = 20;
const nap = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);

/**
 * Puts the copy back where a login was cut off. To be called before a process initialises a module, which leaves out a token whose
 * file is damaged, SoftHSM for as long as the process lives. It writes in place, and as much as a login: what a login that is still
 * alive writes later is as good. A file that is whole, or changed in any other way, stays.
 * @param pause waits for a login that is at work
 */
export function restoreTokens(env: NodeJS.ProcessEnv = process.env, pause: () => unknown = nap): void {
  for (const kind of REWRITTEN) {
    for (const file of ownFiles(kind, env)) {
      const copy = read(copyOf(file));
      if (copy === undefined || !kind.isWhole(copy)) continue;
      const isDamaged = () => isCut(read(file) ?? copy, copy, kind.counted);
      for (let looks = 1; isDamaged() && looks < LOOKS; looks += 1) pause();
      if (!isDamaged()) continue;
      attempt(() =>
        synced(file, constants.O_WRONLY | constants.O_NOFOLLOW, (open) => {
          writeFileSync(open, copy);
          ftruncateSync(open, copy.length);
        }),
      );
    }
  }
}

/**
 * Logs in while there is a copy, as far as the disk allows: a disk that is full or read-only is no reason to stay away. A login of
 * SoftHSM 2.6.1 beside that of another process ends with CKR_GENERAL_ERROR, which says nothing of the PIN: it is made once more.
 */
export function withCopy({ manufacturer, serial, label }: TokenName, login: () => void, env = process.env): void {
  const kinds = REWRITTEN.filter((one) => one.manufacturer === manufacturer);
  const all = kinds.flatMap((kind) => ownFiles(kind, env).map((file) => ({ file, kind, found: read(file) })));
  const meant = all.flatMap((one) => (one.found?.includes(serial || label) ? { ...one, found: one.found } : []));
  for (const { file, kind, found } of meant) if (kind.isWhole(found)) attempt(() => keepCopy(file, kind, found));
  try {
    login();
  } catch (error) {
    if (all.length === 0 || ckrOf(error) !== pkcs11js.CKR_GENERAL_ERROR) throw error;
    nap();
    login();
  } finally {
    for (const { file } of meant) attempt(() => synced(file, 'r'));
  }
}

/** As root, newleaf uses no name that another user may have laid. */
const ownFiles = (kind: Rewritten, env: NodeJS.ProcessEnv): readonly string[] =>
  placesOf(kind, env)
    .filter((place) => process.geteuid?.() !== 0 || statSync(place, { throwIfNoEntry: false })?.uid === 0)
    .map((place) => join(place, kind.file));

function keepCopy(file: string, { counted }: Rewritten, found: Buffer): void {
  if (read(copyOf(file))?.subarray(counted).equals(found.subarray(counted))) return;
  const draft = `${copyOf(file)}-${randomBytes(4).toString('hex')}`;
  try {
    synced(draft, 'wx', (open) => writeFileSync(open, found));
    renameSync(draft, copyOf(file));
  } finally {
    rmSync(draft, { force: true });
  }
  synced(dirname(file), 'r');
}

/** Whether a file is the beginning of the copy and no more: a file system may put zeros where data did not reach the disk. */
function isCut(file: Buffer, copy: Buffer, counted: number): boolean {
  const end = Math.max(counted, file.findLastIndex((byte) => byte !== 0) + 1);
  const isBeginning = file.subarray(counted, end).equals(copy.subarray(counted, end));
  return isBeginning && !file.subarray(counted).equals(copy.subarray(counted));
}

/** A rename is on the disk only after its directory is (fsync(2)). */
function synced(path: string, flags: string | number, work: (open: number) => void = () => undefined): void {
  const open = openSync(path, flags, 0o600);
  try {
    work(open);
    fsyncSync(open);
  } finally {
    closeSync(open);
  }
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // The login tells what is wrong with the token.
  }
}
