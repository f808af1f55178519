import * as v from 'valibot';
import type { Hub } from './hub.ts';
import type { Newleaf } from './newleaf.ts';
import { outcomeInWords } from './outcome.ts';
import { minute, readId, requestOf } from './request.ts';

const MOST = 5;
const Row = v.looseObject({ jobId: v.string(), status: v.optional(v.string(), 'unknown') });

/** A request to one device. Stable: `--json`. */
export interface AskedOf {
  readonly id: string;
  /** How its job says it went: completed is an answer of the device · by-name: there was no job */
  readonly state: string;
  /** How it ended, where the twin still tells. */
  readonly outcome?: string;
}

/** The last requests of enroll to a device, the newest first: from its rows in the jobs of the hub, and from its twin. */
export async function askedOfDevice(hub: Hub, deviceId: string, told: Newleaf | undefined): Promise<AskedOf[]> {
  const rows = (await hub.jobsOf(deviceId)).map((row) => v.parse(Row, row));
  const states = new Map<string, string>();
  const last = told?.last;
  if (readId(last?.id) !== undefined && last?.id) states.set(last.id, 'by-name');
  for (const { jobId, status } of rows) {
    const id = requestOf(jobId);
    if (id !== undefined) states.set(id, status);
  }
  const at = (id: string): number => readId(id)?.at ?? 0;
  return [...states]
    .toSorted(([one], [other]) => at(other) - at(one))
    .slice(0, MOST)
    .map(([id, state]) => ({ id, state, ...(last?.id === id && { outcome: last.outcome }) }));
}

export function askedText(all: readonly AskedOf[]): string {
  const rows = all.map(({ id, state, outcome }) => {
    const { action, by = 'an operator', at } = readId(id) ?? { action: '', at: 0 };
    const how = outcome === undefined ? state : `${outcomeInWords(outcome)} (${state})`;
    return `    ${minute(at)}  ${action} by ${by}: ${how}, ${id}\n`;
  });
  return rows.length === 0 ? '' : `Last requests of enroll\n${rows.join('')}`;
}
