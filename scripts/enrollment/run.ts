import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { Failed, Misuse } from '../../agent/cli/kit/command.ts';
import { replace } from './archive.ts';
import { fileTrouble } from './file-trouble.ts';
import { NAME } from './name.ts';
import { type Outcome, RESULTS } from './outcome.ts';
import { ACTIONS, type Action } from './request.ts';

const Told = v.looseObject({
  deviceId: v.string(),
  result: v.picklist(RESULTS),
  reason: v.exactOptional(v.string()),
  code: v.exactOptional(v.string()),
  next: v.exactOptional(v.string()),
});

/** What `--json` prints and `--report` writes. Kept stable: fields are added, never renamed. */
const Document = v.looseObject({
  schema: v.literal(1),
  id: v.string(),
  hub: v.string(),
  action: v.picklist(ACTIONS),
  /** When the devices were looked at last. */
  at: v.string(),
  delaySeconds: v.number(),
  /** The operator. */
  by: v.exactOptional(v.string()),
  /** That the devices met, where they were not named. */
  condition: v.exactOptional(v.string()),
  /** How it goes through them, where it does so in waves. */
  waves: v.exactOptional(v.string()),
  /** begun: written before the first call · seen: the devices were looked at */
  state: v.exactOptional(v.picklist(['begun', 'seen'])),
  devices: v.array(Told),
});

/** A request to many devices, and how it is on each. */
export interface Run {
  /** Of the request on each device, and of the job, where there is one. */
  readonly id: string;
  /** The name of the hub that has the devices. */
  readonly hub: string;
  readonly action: Action;
  readonly at: string;
  readonly delaySeconds: number;
  readonly by?: string;
  readonly condition?: string;
  readonly waves?: string;
  readonly state?: 'begun' | 'seen';
  readonly devices: readonly Outcome[];
}

/** How many have each result. */
export function sumOf(devices: readonly Outcome[]): Readonly<Record<Outcome['result'], number>> {
  const count = (result: Outcome['result']): number => devices.filter((one) => one.result === result).length;
  return {
    done: count('done'),
    otherwise: count('otherwise'),
    waiting: count('waiting'),
    'not-asked': count('not-asked'),
  };
}

export const isDone = ({ result }: Outcome): boolean => result === 'done';

export function documentOf({ devices, ...run }: Run): string {
  const sum = { devices: devices.length, ...sumOf(devices) };
  return `${JSON.stringify({ schema: 1, ...run, sum, devices }, undefined, 2)}\n`;
}

/**
 * Writes what is to be asked, before the first call: calls cannot be taken back, and a machine may end at any moment.
 * @throws Misuse where it cannot be written
 */
export async function writeBegun(file: string, run: Run): Promise<void> {
  await replace(file, documentOf({ ...run, state: 'begun' })).catch((error: Error) => {
    throw new Misuse(`No device was called: ${file} cannot be written: ${fileTrouble(error)}.`);
  });
}

/** @throws Failed where the file cannot be written */
export async function writeRun(file: string, run: Run): Promise<void> {
  await replace(file, documentOf(run)).catch((error: Error) => {
    throw new Failed(`${file} cannot be written: ${fileTrouble(error)}.`);
  });
}

/** @throws Misuse where it is not a file of `--report` */
export async function readRun(file: string): Promise<Run> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new Misuse(`${file} cannot be read: ${fileTrouble(error)}.`);
  });
  try {
    return v.parse(Document, JSON.parse(text));
  } catch {
    throw new Misuse(`${file} is not a report of ${NAME} reprovision (--report FILE, or --json).`);
  }
}
