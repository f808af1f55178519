import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isPassing } from '../failure/errno.ts';
import { Fault } from '../failure/failure.ts';
import { readRegular, syncDirectory, writeAtomically } from './durable.ts';

/** The state file: absent, good and corrupt are three different answers, and corrupt is never treated as empty. */
export interface Journal<E> {
  /** @throws Fault NL-STATE-CORRUPT or NL-STATE-NEWER with the reason, NL-STATE-READ or -OWNER, NL-STATE-DECOMMISSIONED */
  read(): Promise<E | 'absent'>;
  /**
   * On disk when it resolves. Calls must not overlap: the loop writes one entry at a time.
   * @throws Fault NL-STATE-WRITE; the old entry is intact
   */
  write(entry: E): Promise<void>;
  /** Whether there is a file still: a person may have deleted it beside a daemon that runs. */
  readonly isThere?: () => boolean;
}

interface JournalOptions<E> {
  readonly directory: string;
  /** Gives the entry its type, or throws an Error with the reason. */
  readonly validate: (entry: unknown) => E;
  /** Wall clock, milliseconds: the file says when it was written. */
  readonly now?: () => number;
}

/** The only format that is read: another one is refused, and stays as it is. */
const FORMAT = 3;

export function createJournal<E>({ directory, validate, now = Date.now }: JournalOptions<E>): Journal<E> {
  const path = stateFile(directory);
  return {
    async read() {
      const text = await textOf(path);
      return text === 'absent' ? text : entryOf(text, path, validate);
    },
    async write(entry) {
      const written = new Date(now()).toISOString();
      const file = { format: FORMAT, written, entry, digest: digestOf(entry) };
      await writeAtomically(path, `${JSON.stringify(file, undefined, 1)}\n`, 0o600);
    },
    isThere: () => existsSync(path),
  };
}

export const stateFile = (directory: string): string => join(directory, 'state.json');

/**
 * Ends the journal, whatever is in it: from now on each reader learns that this gateway was given up. The file stays: the unit
 * may be enabled, and the machine start again.
 * @param how `ended`: keys or files may be left · `gone`: all of them are gone
 * @param keys CKA_IDs of the keys that are to go
 * @throws Fault NL-STATE-WRITE; the old entry is intact
 */
export async function endJournal(
  directory: string,
  now: number,
  how: 'ended' | 'gone' = 'ended',
  keys?: readonly string[],
): Promise<void> {
  const is = { ended: true, ...(how === 'gone' && { gone: true }), ...(keys && { keys }) };
  const file = { format: FORMAT, written: new Date(now).toISOString(), ...is };
  await writeAtomically(stateFile(directory), `${JSON.stringify(file)}\n`, 0o600);
}

/** The journal as far as it tells of its end; nothing where it cannot be read. */
async function endOf(directory: string): Promise<{ readonly gone?: unknown; readonly keys?: unknown }> {
  try {
    return Object(JSON.parse(await readRegular(stateFile(directory))));
  } catch {
    return {};
  }
}

/** Whether it says that the gateway was given up, and that nothing is left. */
export const isGone = async (directory: string): Promise<boolean> => (await endOf(directory)).gone === true;

/** The keys that it names where the gateway is being given up. */
export async function endedKeys(directory: string): Promise<readonly string[] | undefined> {
  const { keys } = await endOf(directory);
  return Array.isArray(keys) ? keys.map(String) : undefined;
}

/** For `init`: a gateway that was given up begins anew. @throws the error of the file system */
export async function beginAnew(directory: string): Promise<void> {
  if (!(await isGone(directory))) return;
  await rm(stateFile(directory), { force: true });
  await syncDirectory(directory);
}

/** Called before the use of a token that may be half empty. @throws Fault NL-STATE-DECOMMISSIONED */
export async function assertNotEnded(directory: string): Promise<void> {
  const path = stateFile(directory);
  const text = await readRegular(path).catch(() => '');
  if (text.includes('"ended"')) entryOf(text, path, () => undefined);
}

function entryOf<E>(text: string, path: string, validate: JournalOptions<E>['validate']): E {
  if (text.trim() === '') throw corrupt(path, 'is empty');
  const file = jsonOf(text, path);
  if (typeof file !== 'object' || file === null || Array.isArray(file)) throw corrupt(path, 'is not a JSON object');
  if (!('format' in file)) throw corrupt(path, 'has no field "format"');
  if (file.format !== FORMAT) {
    const what = `has format ${JSON.stringify(file.format)}, and this newleaf reads format ${FORMAT}`;
    if (Number(file.format) > FORMAT) throw new Fault('NL-STATE-NEWER', { message: `${path} ${what}. ${UNTOUCHED}` });
    throw corrupt(path, `${what}: it is of another version`);
  }
  if ('ended' in file) throw new Fault('NL-STATE-DECOMMISSIONED', 'gone' in file ? {} : { advice: FINISH });
  if (!('entry' in file)) throw corrupt(path, 'has no field "entry"');
  if (!('digest' in file)) throw corrupt(path, 'has no field "digest"');
  if (!isWhole(file.entry, file.digest)) throw corrupt(path, 'was changed after newleaf wrote it: the digest differs');
  try {
    return validate(file.entry);
  } catch (cause) {
    throw corrupt(path, 'holds an entry with wrong fields', cause);
  }
}

const UNTOUCHED = 'Nothing was overwritten or sent.';
const FINISH = 'It did not come to its end: run `newleaf decommission` again.';

function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw corrupt(path, `is not complete JSON (${text.length} characters)`, cause);
  }
}

async function textOf(path: string): Promise<string | 'absent'> {
  try {
    return await readRegular(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'absent';
    if (code === 'EISDIR') throw corrupt(path, 'is a directory');
    if (code === 'ELOOP') throw corrupt(path, 'is a link');
    if (code === 'EACCES')
      throw new Fault('NL-STATE-OWNER', { message: `${path} may not be read by this user. ${UNTOUCHED}` });
    if (isPassing(cause)) throw new Fault('NL-STATE-READ', { message: `${path} cannot be read.`, cause });
    throw corrupt(path, 'cannot be read', cause);
  }
}

/**
 * SHA-256 over the entry as JSON.stringify writes it. JSON.parse keeps the order of keys, so the digest survives a file that
 * was only indented, and nothing needs sorting.
 */
function digestOf(entry: unknown): string {
  return createHash('sha256').update(JSON.stringify(entry)).digest('hex');
}

/** An entry that is nested by thousands is none of ours: JSON.stringify ends by a RangeError. */
function isWhole(entry: unknown, digest: unknown): boolean {
  try {
    return digest === digestOf(entry);
  } catch {
    return false;
  }
}

function corrupt(path: string, what: string, cause?: unknown): Fault {
  return new Fault('NL-STATE-CORRUPT', { message: `${path} ${what}. ${UNTOUCHED}`, cause });
}
