import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../failure/failure.ts';
import { makeDirectory, writeAtomically } from '../state/durable.ts';
import { assertName, namesIn } from '../state/program-name.ts';
import { unread } from './queue/words.ts';
import { slowWork } from './slow-work.ts';

/** What is known of a program, as it is on disk. */
export interface ProgramRecord {
  readonly name: string;
  /** Base64 of 32 bytes: the program uses TCP and this key. Without it, it uses a socket of its own. */
  readonly key?: string | undefined;
  /** By the client ID: the filters of sessions with CleanSession 0, and the QoS of each. */
  readonly sessions: Readonly<Record<string, Readonly<Record<string, 0 | 1>>>>;
}

const RECORD = 'program.json';
/** Each has a socket, a queue and a directory. */
const MOST_PROGRAMS = 32;

/**
 * A damaged record costs the sessions of the program, not its messages; a program with a key must be added again.
 * @throws Fault NL-UPLINK-DISK where it is there and cannot be read: it may be good, and must not be replaced
 */
export async function readRecord(
  directory: string,
  name: string,
): Promise<ProgramRecord & { readonly isDamaged: boolean }> {
  const empty = { name, sessions: {} };
  const text = await textOf(join(directory, name, RECORD));
  try {
    const { key, sessions } = JSON.parse(text);
    if (!areSessions(sessions) || !['undefined', 'string'].includes(typeof key)) return { ...empty, isDamaged: true };
    return { ...empty, ...(key !== undefined && { key }), sessions, isDamaged: false };
  } catch {
    return { ...empty, isDamaged: true };
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw unread(path, cause);
  }
}

export const damagedRecord = (name: string): Fault =>
  new Fault('NL-UPLINK-DISK', {
    message: `${name}/${RECORD} is damaged: what the program had subscribed to is forgotten, and so is its key if it had one.`,
    advice: `If it had a key: \`newleaf uplink remove ${name}\`, and add it again. Look at the disk.`,
  });

/** Filters by client ID, and the QoS by filter. */
function areSessions(read: unknown): read is ProgramRecord['sessions'] {
  const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
  const areFilters = (filters: unknown) =>
    isObject(filters) && Object.values(filters).every((qos) => [0, 1].includes(qos));
  return isObject(read) && Object.values(read).every(areFilters);
}

/** @throws Fault NL-STATE-WRITE */
export async function writeRecord(directory: string, { name, key, sessions }: ProgramRecord): Promise<void> {
  const text = `${JSON.stringify({ name, key, sessions })}\n`;
  await slowWork.take(() => writeAtomically(join(directory, name, RECORD), text, 0o600));
}

/** @throws Fault NL-UPLINK-PROGRAM where there are too many or it is there already, NL-STATE-WRITE */
export async function makeProgram(directory: string, name: string, withKey: boolean): Promise<ProgramRecord> {
  assertName(name);
  const names = await namesIn(directory);
  if (names.includes(name)) {
    const message = `There is a program ${name} already.`;
    throw new Fault('NL-UPLINK-PROGRAM', {
      message,
      advice: `\`newleaf uplink show ${name}\` prints how it connects.`,
    });
  }
  if (names.length >= MOST_PROGRAMS) {
    throw new Fault('NL-UPLINK-PROGRAM', { message: `There are ${MOST_PROGRAMS} programs already, the most.` });
  }
  const record = { name, sessions: {}, ...(withKey && { key: randomBytes(32).toString('base64') }) };
  await makeDirectory(directory);
  await makeDirectory(join(directory, name));
  await writeRecord(directory, record);
  return record;
}

/** Removes the program with its messages. */
export async function removeProgram(directory: string, name: string): Promise<void> {
  await rm(join(directory, name), { recursive: true, force: true });
}
