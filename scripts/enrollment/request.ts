import { Misuse } from '../../agent/cli/kit/command.ts';
import { NAME } from './name.ts';

export const ACTIONS = ['register', 'roll'] as const;
export type Action = (typeof ACTIONS)[number];

/** What the ID of a request tells by itself: hub, twins and answers of a device carry nothing more. */
export interface RequestId {
  readonly action: Action;
  /** Absent in IDs of the first version. */
  readonly by?: string;
  /** Wall clock, milliseconds. */
  readonly at: number;
}

/** Action, operator, time in base 36; the jobs of a request in waves have `-w1` and so on behind it. */
const ID = /^enroll-(register|roll)-(?:([a-z0-9]+)-)?([a-z0-9]+)$/;
const PREFIX = 'enroll-';
const MOST_LETTERS = 20;

/** The name of the operator in an ID: letters and digits. */
export function operatorOf({ NEWLEAF_OPERATOR, SUDO_USER, USER, LOGNAME }: NodeJS.ProcessEnv): string {
  const name = NEWLEAF_OPERATOR || SUDO_USER || USER || LOGNAME || '';
  return (
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, '')
      .slice(0, MOST_LETTERS) || 'unnamed'
  );
}

export const newId = (action: Action, by: string, now: number): string =>
  `${PREFIX}${action}-${by}-${now.toString(36)}`;

/** The request that a job belongs to; undefined where enroll never made this job. */
export function requestOf(jobId: string): string | undefined {
  const id = jobId.replace(/-w\d+(-\d+)?$/, '');
  return readId(id) && id;
}

/** Undefined where enroll never gave this ID. */
export function readId(id: string | null | undefined): RequestId | undefined {
  const [, action, by, time] = ID.exec(id ?? '') ?? [];
  const known = ACTIONS.find((one) => one === action);
  if (known === undefined || time === undefined) return undefined;
  return { action: known, at: Number.parseInt(time, 36), ...(by !== undefined && { by }) };
}

/** @throws Misuse where enroll never gave this ID */
export function demandId(id: string): RequestId {
  const read = readId(id);
  if (read === undefined) throw new Misuse(`"${id}" is no request of ${NAME}, which are like enroll-roll-ana-mij4k2.`);
  return read;
}

/** Whether this is the ID of a request of enroll that was made after the other. */
export const isLater = (id: string | null | undefined, other: string): boolean =>
  (readId(id)?.at ?? 0) > (readId(other)?.at ?? Number.POSITIVE_INFINITY);

/** A time for a person. */
export const minute = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
