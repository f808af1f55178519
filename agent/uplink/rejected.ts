import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure } from '../failure/failure.ts';
import { makeDirectory, writeAtomically } from '../state/durable.ts';
import type { Stored } from './ports.ts';
import type { Reserve } from './queue/reserve.ts';
import { scarce } from './queue/words.ts';

/** A message that is no use to its receiver. */
export type Rejected = Pick<Stored, 'topic' | 'payload' | 'at'>;

/** Of each program: the newest are enough to see what is wrong with it. */
const MOST = 100;

/**
 * Writes the message into this directory, for a person to look at: one file each, with a number that rises.
 * @throws Fault NL-UPLINK-DISK, NL-STATE-WRITE
 */
export async function writeRejected(
  directory: string,
  message: Rejected,
  why: Failure,
  reserve: Reserve,
): Promise<void> {
  const { topic, payload, at } = message;
  const body = Buffer.from(payload).toString('base64');
  const record = { at: new Date(at).toISOString(), code: why.code, reason: why.message, properties: topic, body };
  const text = `${JSON.stringify(record)}\n`;
  if (!(await reserve.take(text.length))) throw scarce(directory);
  await makeDirectory(directory);
  const before = await numbersIn(directory);
  await writeAtomically(join(directory, `${(before.at(-1) ?? 0) + 1}.json`), text, 0o600);
  for (const number of before.slice(0, -(MOST - 1))) await rm(join(directory, `${number}.json`), { force: true });
}

async function numbersIn(directory: string): Promise<readonly number[]> {
  const names = await readdir(directory);
  return names
    .flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((one, other) => one - other);
}
