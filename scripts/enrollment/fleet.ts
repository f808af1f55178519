import * as v from 'valibot';
import type { Desk } from './desk.ts';
import type { Hub, MethodAnswer } from './hub.ts';
import { Progress } from './progress.ts';

/** What a call of `reprovision` came to: asked, or the reason why not. */
export interface Called {
  readonly deviceId: string;
  readonly refused?: string;
}

/** How the request ended on the device, as its twin tells. */
export interface Ended {
  readonly deviceId: string;
  /** done · kept (on the previous leaf) · person · failed; gone: it is not in this hub any more. */
  readonly outcome: string;
  readonly code?: string;
}

/** `properties.reported` of a gateway with newleaf. */
const Reported = v.looseObject({
  newleaf: v.looseObject({
    last: v.looseObject({ id: v.string(), outcome: v.string(), code: v.nullish(v.string()) }),
  }),
});
const Found = v.looseObject({ deviceId: v.string(), properties: v.looseObject({ reported: v.unknown() }) });

/**
 * Up to this many twins are read one by one: a query may lag behind them for minutes (iot-hub-devguide-query-language),
 * and reading thousands of twins at every look would be throttled.
 */
const FEW = 10;

/** What a device answered to the method, in the words of its contract. */
export function calledOf(deviceId: string, answer: MethodAnswer | string): Called {
  if (typeof answer === 'string') {
    return { deviceId, refused: answer };
  }
  const { status, payload } = answer;
  if (status === 202 || status === 200) {
    return { deviceId };
  }
  const fields =
    typeof payload === 'object' && payload !== null ? new Map<string, unknown>(Object.entries(payload)) : new Map();
  const why = fields.get('message') ?? fields.get('code') ?? '';
  const words: Readonly<Record<number, string>> = {
    409: `busy with ${fields.get('id') ?? 'something else'}`,
    429: `over its budget, again in ${fields.get('retryAfterSeconds') ?? '?'} s`,
  };
  return { deviceId, refused: `${status} ${words[status] ?? why}`.trim() };
}

/**
 * Waits until the twins of these devices tell how the request ended.
 * @param waitMs how long at most
 * @returns those that have told; whoever is missing did not come back
 */
export async function follow(
  desk: Desk,
  hub: Hub,
  id: string,
  asked: readonly string[],
  waitMs: number,
): Promise<readonly Ended[]> {
  const progress = new Progress(desk.err, 'back');
  const ended = new Map<string, Ended>();
  const deadline = desk.now() + waitMs;
  for (;;) {
    const late = desk.now() >= deadline;
    const missing = asked.filter((deviceId) => !ended.has(deviceId));
    for (const one of await look(hub, id, missing, late)) {
      ended.set(one.deviceId, one);
    }
    progress.show(ended.size, asked.length);
    if (ended.size === asked.length || late) {
      progress.end();
      return [...ended.values()];
    }
    await desk.sleep(Math.min(desk.pollMs, Math.max(1, deadline - desk.now())));
  }
}

async function look(hub: Hub, id: string, missing: readonly string[], late: boolean): Promise<Ended[]> {
  if (missing.length > FEW && !late) {
    const rows = await hub.query(`SELECT * FROM devices WHERE properties.reported.newleaf.last.id = '${id}'`);
    return rows.flatMap((row) => {
      const { deviceId, properties } = v.parse(Found, row);
      return missing.includes(deviceId) ? told(deviceId, id, properties.reported) : [];
    });
  }
  const found: Ended[] = [];
  for (const deviceId of missing) {
    const reported = await hub.reported(deviceId);
    found.push(...(reported === undefined ? [{ deviceId, outcome: 'gone' }] : told(deviceId, id, reported)));
  }
  return found;
}

function told(deviceId: string, id: string, reported: unknown): Ended[] {
  const read = v.safeParse(Reported, reported);
  if (!read.success || read.output.newleaf.last.id !== id) {
    return [];
  }
  const { outcome, code } = read.output.newleaf.last;
  return [{ deviceId, outcome, ...(code && { code }) }];
}

const OUTCOMES: Readonly<Record<string, string>> = {
  kept: 'on the previous leaf',
  person: 'a person is needed',
  failed: 'failed',
  gone: 'not in this hub any more: moved to another one, or deleted',
};

/** The end of it, counted, with the name of everyone who is not well. */
export function report(called: readonly Called[], ended: readonly Ended[], waitMs: number): string {
  const refused = called.filter((one) => one.refused !== undefined);
  const asked = called.filter((one) => one.refused === undefined);
  const missing = asked.filter(({ deviceId }) => !ended.some((one) => one.deviceId === deviceId));
  const unwell = ended.filter(({ outcome }) => outcome !== 'done');
  const well = ended.length - unwell.length;
  const rows = (title: string, lines: readonly string[]): string =>
    lines.length === 0
      ? ''
      : `\n${title}\n${lines
          .toSorted()
          .map((line) => `  ${line}\n`)
          .join('')}`;
  const counts = `${called.length} devices: ${well} came back, ${unwell.length} otherwise, ${missing.length} did not come back, ${refused.length} not asked.\n`;
  return [
    counts,
    rows(
      'Ended otherwise:',
      unwell.map(
        ({ deviceId, outcome, code }) =>
          `${deviceId}  ${OUTCOMES[outcome] ?? outcome}${code === undefined ? '' : ` (${code})`}`,
      ),
    ),
    rows(
      `Did not come back within ${Math.round(waitMs / 1_000)} s:`,
      missing.map(({ deviceId }) => deviceId),
    ),
    rows(
      'Not asked:',
      refused.map(({ deviceId, refused: why }) => `${deviceId}  ${why}`),
    ),
  ].join('');
}

/** Whether everybody is back, and well. */
export const allBack = (called: readonly Called[], ended: readonly Ended[]): boolean =>
  called.every(({ deviceId }) => ended.some((one) => one.deviceId === deviceId && one.outcome === 'done'));
