import type { MethodAnswer } from './hub-answers.ts';
import { MOST_WORDS } from './refusal.ts';
import { minute, readId } from './request.ts';

/** Stable: `--json`, and the files of `--report`. */
export const RESULTS = ['done', 'otherwise', 'waiting', 'not-asked'] as const;

/** How far a request is on a device. */
export interface Outcome {
  readonly deviceId: string;
  /** otherwise: it ended, and not well · waiting: asked, and its end is not known · not-asked: the call did not reach it */
  readonly result: (typeof RESULTS)[number];
  /** In words that all devices share which have the same reason. */
  readonly reason?: string;
  /** `NL-…` of newleaf, or the number of the hub or of the answer to the method. */
  readonly code?: string;
  /** Thumbprint of a new leaf that DPS does not admit: it waits on the device. */
  readonly next?: string;
}

const OUTCOMES: Readonly<Record<string, string>> = {
  kept: 'on the previous leaf',
  person: 'a person is needed',
};

/** Below what shows the word of the twin itself. */
export const KEPT = 'kept: the last request failed, and the leaf before it serves on.\n';

/** The reason of a device whose wave has not begun. */
export const LATER = 'in a wave that has not begun';

/** How a request ended, as the twin tells it. */
export const outcomeInWords = (outcome: string): string => OUTCOMES[outcome] ?? outcome;

/** Refusals of the hub (troubleshoot-error-codes): its sentences name the device, and differ from API to API. */
const KNOWN: readonly (readonly [said: RegExp, code: string, words: string])[] = [
  [/404103|DeviceNotOnline/, '404103', 'not connected'],
  [/404001|DeviceNotFound/, '404001', 'not in this hub'],
  [/504101|GatewayTimeout/, '504101', 'connected, and does not answer'],
];

/** Words of the contract of the method for its answers (agent/ask/wire.ts). */
const ANSWERS: Readonly<Record<number, string>> = { 409: 'busy with another request', 429: 'over its budget' };

export function notAsked(deviceId: string, said: string): Outcome {
  const [, code, words] = KNOWN.find(([known]) => known.test(said)) ?? [];
  if (code === undefined) return { deviceId, result: 'not-asked', reason: said.replaceAll(deviceId, 'DEVICE') };
  return { deviceId, result: 'not-asked', reason: `${words} (${code})`, code };
}

export const asked = (deviceId: string, reason = 'asked, and not back yet'): Outcome => ({
  deviceId,
  result: 'waiting',
  reason,
});

/** Whose request a device is busy with, in words that all devices share; undefined where enroll did not make it. */
function inTheWay(id: unknown): string | undefined {
  const read = typeof id === 'string' ? readId(id) : undefined;
  return read && `busy with ${id}, begun by ${read.by ?? 'an operator'} ${minute(read.at)}`;
}

/** A device's answer to the method, or the sentence why there is none. */
export function answered(deviceId: string, answer: MethodAnswer | string): Outcome {
  if (typeof answer === 'string') return notAsked(deviceId, answer);
  const { status, payload } = answer;
  if (status === 202 || status === 200) return asked(deviceId);
  const fields = new Map<string, unknown>(Object.entries(payload ?? {}));
  const theirs = status === 409 ? inTheWay(fields.get('id')) : undefined;
  const why = theirs ?? ANSWERS[status] ?? fields.get('message') ?? fields.get('code') ?? 'refused by the device';
  return {
    deviceId,
    result: 'not-asked',
    reason: `${String(why).slice(0, MOST_WORDS)} (${status})`,
    code: String(status),
  };
}
