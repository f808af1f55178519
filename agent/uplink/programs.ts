import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { onMissing } from '../failure/errno.ts';
import { Fault } from '../failure/failure.ts';
import { isObject } from '../mqtt/json.ts';
import { makeDirectory, writeAtomically } from '../state/durable.ts';
import { KEY_FILE, keyFrom, keyText } from '../state/program-key.ts';
import { assertName, namesIn } from '../state/program-name.ts';
import { changedTerms, type OwnTerms } from '../state/program-terms.ts';
import { unread } from './queue/words.ts';
import { slowWork } from './slow-work.ts';

/** What is known of a program, as it is on disk. */
export interface ProgramRecord {
  readonly name: string;
  /** `key`: the program uses TCP. Else it uses a socket of its own. */
  readonly connects: 'socket' | 'key';
  /** Base64 of 32 bytes; undefined where it is damaged. */
  readonly key?: string | undefined;
  readonly terms: OwnTerms;
  /** By the client ID: the filters of sessions with CleanSession 0, and the QoS of each. */
  readonly sessions: Readonly<Record<string, Readonly<Record<string, 0 | 1>>>>;
}

const RECORD = 'program.json';
/** Each has a socket, a queue and a directory. */
const MOST_PROGRAMS = 32;

/**
 * A damaged record costs the sessions of the program, not its messages, and never its key: without one that is good, a program
 * with a key has no connection at all.
 * @throws Fault NL-UPLINK-DISK where it is there and cannot be read: it may be good, and must not be replaced; NL-STATE-WRITE
 */
export async function readRecord(
  directory: string,
  name: string,
): Promise<ProgramRecord & { readonly isDamaged: boolean }> {
  const text = await textOf(join(directory, name, RECORD));
  const read = recordIn(text ?? '');
  const stored = await textOf(join(directory, name, KEY_FILE));
  const key = keyFrom(stored ?? '');
  const connects = stored !== undefined || read?.connects === 'key' ? 'key' : 'socket';
  const { terms = {}, sessions = {} } = read ?? {};
  return { name, connects, ...(key !== undefined && { key }), terms, sessions, isDamaged: read === undefined };
}

function recordIn(text: string): Partial<ProgramRecord> | undefined {
  try {
    const { connects, terms: written, sessions } = JSON.parse(text);
    const terms = changedTerms({}, written);
    return areSessions(sessions) && terms !== undefined ? { connects, terms, sessions } : undefined;
  } catch {
    return undefined;
  }
}

const textOf = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8')
    .catch(onMissing(undefined))
    .catch((cause) => {
      throw unread(path, cause);
    });

export const damagedRecord = (name: string): Fault =>
  new Fault('NL-UPLINK-DISK', {
    message: `${name}/${RECORD} is damaged: what the program had subscribed to is forgotten, and the bounds that were set for it.`,
    advice: 'Restart the program, so that it subscribes again, and set its bounds again. Look at the disk.',
  });

/** Filters by client ID, and the QoS by filter. */
function areSessions(read: unknown): read is ProgramRecord['sessions'] {
  const areFilters = (filters: unknown) =>
    isObject(filters) && Object.values(filters).every((qos) => qos === 0 || qos === 1);
  return isObject(read) && Object.values(read).every(areFilters);
}

/** @throws Fault NL-STATE-WRITE */
export async function writeRecord(
  directory: string,
  { name, connects, terms, sessions }: ProgramRecord,
): Promise<void> {
  const text = `${JSON.stringify({ name, connects, terms, sessions })}\n`;
  await slowWork.take(() => writeAtomically(join(directory, name, RECORD), text, 0o600));
}

/** @throws Fault NL-UPLINK-PROGRAM where there are too many or it is there already, NL-STATE-WRITE */
export async function makeProgram(
  directory: string,
  name: string,
  withKey: boolean,
  terms: OwnTerms = {},
): Promise<ProgramRecord> {
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
  await makeDirectory(directory);
  await makeDirectory(join(directory, name));
  const way = withKey
    ? { connects: 'key' as const, key: await makeKey(directory, name) }
    : { connects: 'socket' as const };
  const record = { name, terms, sessions: {}, ...way };
  await writeRecord(directory, record);
  return record;
}

/** Makes a key for the program, in place of the one that it had. @throws Fault NL-STATE-WRITE */
export async function makeKey(directory: string, name: string): Promise<string> {
  const key = randomBytes(32).toString('base64');
  await slowWork.take(() => writeAtomically(join(directory, name, KEY_FILE), keyText(key), 0o600));
  return key;
}

/** Removes the program with its messages. */
export async function removeProgram(directory: string, name: string): Promise<void> {
  await rm(join(directory, name), { recursive: true, force: true });
}
