import { open, readFile, writeFile } from 'node:fs/promises';
import * as v from 'valibot';
import { Failed, Misuse } from '../../agent/cli/kit/command.ts';
import { fileTrouble } from './file-trouble.ts';
import { NAME } from './name.ts';
import { type Outcome, RESULTS } from './outcome.ts';

export const ACTIONS = ['register', 'roll'] as const;

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
  devices: v.array(Told),
});

/** A request to many devices, and how it is on each. */
export interface Run {
  /** Of the request on each device, and of the job, where there is one. */
  readonly id: string;
  /** The name of the hub that has the devices. */
  readonly hub: string;
  readonly action: (typeof ACTIONS)[number];
  readonly at: string;
  readonly delaySeconds: number;
  readonly devices: readonly Outcome[];
}

/** The action is a part of the id: `--look` needs no more than that. */
export const newId = (action: Run['action'], now: number): string => `enroll-${action}-${now.toString(36)}`;

/** @throws Misuse where enroll never gave this id */
export function actionOf(id: string): Run['action'] {
  const action = ACTIONS.find((one) => new RegExp(`^enroll-${one}-[0-9a-z]+$`).test(id));
  if (action === undefined) throw new Misuse(`"${id}" is no request of ${NAME}, which are like enroll-roll-mij4k2.`);
  return action;
}

/** Whether this is the id of a request of enroll that was made after the other. */
export function isLater(id: string | null | undefined, other: string): boolean {
  const [made, before] = [id, other].map((one) => /^enroll-\w+-([0-9a-z]+)$/.exec(one ?? '')?.[1] ?? '');
  return made !== '' && Number.parseInt(made ?? '', 36) > Number.parseInt(before ?? '', 36);
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

export function documentOf({ id, hub, action, at, delaySeconds, devices }: Run): string {
  const sum = { devices: devices.length, ...sumOf(devices) };
  return `${JSON.stringify({ schema: 1, id, hub, action, at, delaySeconds, sum, devices }, undefined, 2)}\n`;
}

/** Before the first call: calls cannot be taken back. A report that is there stays. @throws Misuse where it cannot be written */
export async function demandWritable(file: string | undefined): Promise<void> {
  if (file === undefined) return;
  await open(file, 'a')
    .then((opened) => opened.close())
    .catch((error: Error) => {
      throw new Misuse(`No device was called: ${file} cannot be written: ${fileTrouble(error)}.`);
    });
}

/** @throws Failed where the file cannot be written */
export async function writeRun(file: string, run: Run): Promise<void> {
  await writeFile(file, documentOf(run)).catch((error: Error) => {
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
