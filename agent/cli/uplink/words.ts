import { failure } from '../../failure/failure.ts';
import type { Trouble } from '../../roll/report.ts';
import { needsAction } from '../../roll/wrong.ts';
import { span } from '../moment.ts';
import type { ProgramTold, UplinkTold } from './told.ts';

/** `3 messages`, `1 message`, `no message`. */
export function messages(count: number): string {
  return `${count === 0 ? 'no' : count} message${count > 1 ? 's' : ''}`;
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB'];

/** `871 bytes`, `2.4 MiB`, rounded. */
export function bytesInWords(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const count = bytes / 1024 ** power;
  return `${power === 0 || count >= 100 ? Math.round(count) : count.toFixed(1)} ${UNITS[power]}`;
}

/** `12 messages wait for the hub (3.4 KiB), the oldest for 5 min`. */
export function waitingInWords(
  { queued, bytes, oldest }: Pick<ProgramTold, 'queued' | 'bytes' | 'oldest'>,
  now: number,
): string {
  return waiting('the hub', queued, bytes, oldest, now);
}

/** The same of the messages for the program. */
export function inboxInWords({ inbox, inboxBytes, inboxOldest }: ProgramTold, now: number): string {
  return waiting('the program', inbox, inboxBytes, inboxOldest, now);
}

function waiting(whom: string, count: number, bytes: number, oldest: string | undefined, now: number) {
  const wait = `${messages(count)} ${count > 1 ? 'wait' : 'waits'} for ${whom}`;
  if (count === 0) return wait;
  const since = oldest === undefined ? '' : `, the oldest for ${span(Math.max(0, now - Date.parse(oldest)))}`;
  return `${wait} (${bytesInWords(bytes)})${since}`;
}

/** All programs as one. */
export function sumOf(programs: readonly ProgramTold[]): Pick<ProgramTold, 'queued' | 'bytes' | 'oldest'> {
  const add = (of: (one: ProgramTold) => number) => programs.reduce((sum, one) => sum + of(one), 0);
  const [oldest] = programs.flatMap((one) => one.oldest ?? []).sort();
  return {
    queued: add(({ queued }) => queued),
    bytes: add(({ bytes }) => bytes),
    ...(oldest !== undefined && { oldest }),
  };
}

export const throttledInWords = (rate: number | undefined): string =>
  `The hub seems to throttle: messages go ${rate === undefined ? 'more slowly' : `at ${Number(rate.toFixed(1))} a second`}.`;

/** Whether a person is needed. */
export const isLasting = ({ trouble }: ProgramTold): boolean => trouble !== undefined && needsAction(trouble.code);

/** The troubles of programs, each code once. */
export function troublesOf({ programs }: UplinkTold): readonly Trouble[] {
  const met = programs.flatMap(({ trouble }) => trouble ?? []);
  return met.filter(({ code }, index) => met.findIndex((one) => one.code === code) === index);
}

/** As a failure, with the advice of its code. */
export const throttled = (rate: number | undefined): Trouble =>
  failure('NL-UPLINK-THROTTLED', { message: throttledInWords(rate) });
