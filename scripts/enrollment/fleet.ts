import * as v from 'valibot';
import { Failed } from '../../agent/cli/kit/command.ts';
import { Count } from '../../agent/cli/kit/progress.ts';
import { screenOf } from '../../agent/cli/kit/screen.ts';
import { WORDS } from '../../agent/roll/report.ts';
import { atOnce } from './at-once.ts';
import { type Desk, pauses } from './desk.ts';
import type { Hub, MethodAnswer, Twin } from './hub.ts';

/** The result of a call of `reprovision`: asked, or the reason why not. */
export interface Called {
  readonly deviceId: string;
  readonly refused?: string;
}

/** How the request ended on the device, by its twin. */
export interface Ended {
  readonly deviceId: string;
  /** done · kept (on the previous leaf) · person · failed; gone: it is not in this hub any more. */
  readonly outcome: string;
  readonly code?: string;
  /** Thumbprint of a new leaf that DPS does not admit: it waits on the device. */
  readonly parked?: string;
}

/** A device whose twin does not tell yet how the request ended. */
export interface Missing {
  readonly deviceId: string;
  /** Its last known state. */
  readonly why: string;
}

/** `properties.reported` of a gateway with newleaf. */
const Reported = v.looseObject({
  newleaf: v.looseObject({
    phase: v.optional(v.string()),
    last: v.nullish(v.looseObject({ id: v.string(), outcome: v.string(), code: v.nullish(v.string()) })),
    next: v.nullish(v.looseObject({ thumbprint: v.string(), standing: v.string() })),
  }),
});
type Newleaf = Partial<v.InferOutput<typeof Reported>['newleaf']>;
const Queried = v.looseObject({ deviceId: v.string(), properties: v.looseObject({ reported: v.unknown() }) });

/**
 * Up to this many twins are read one by one: a query may lag behind them for minutes (iot-hub-devguide-query-language),
 * and reading thousands of twins at every look would be throttled.
 */
const FEW = 10;
/** Twins that are read at the same time. */
const AT_ONCE = 4;

/** A device's answer to the method, in the words of its contract. */
export function calledOf(deviceId: string, answer: MethodAnswer | string): Called {
  if (typeof answer === 'string') return { deviceId, refused: answer };
  const { status, payload } = answer;
  if (status === 202 || status === 200) return { deviceId };
  const fields =
    typeof payload === 'object' && payload !== null ? new Map<string, unknown>(Object.entries(payload)) : new Map();
  const why = fields.get('message') ?? fields.get('code') ?? '';
  const words: Readonly<Record<number, string>> = {
    409: `busy with ${fields.get('id') ?? 'other work'}`,
    429: `over its budget, again in ${fields.get('retryAfterSeconds') ?? '?'} s`,
  };
  return { deviceId, refused: `${status} ${words[status] ?? why}`.trim() };
}

/** The results of the devices that were asked. */
export interface Followed {
  readonly ended: readonly Ended[];
  readonly missing: readonly Missing[];
  /** Length of the wait, in milliseconds. */
  readonly waitedMs: number;
}

/**
 * Waits until the twins of these devices tell how the request ended. Ctrl-C ends the wait early.
 * @param waitMs how long at most
 */
export async function follow(
  desk: Desk,
  hub: Hub,
  id: string,
  asked: readonly string[],
  waitMs: number,
): Promise<Followed> {
  if (asked.length === 0) return { ended: [], missing: [], waitedMs: 0 };
  const progress = new Count(desk.err, screenOf(desk.err, desk.env), 'back');
  const pause = pauses(desk);
  const ended = new Map<string, Ended>();
  const enough = new AbortController();
  const begun = desk.now();
  const deadline = begun + waitMs;
  if (desk.err.isTTY) desk.err.write('Ctrl-C ends the wait, and tells which are back.\n');
  const unheard = desk.onInterrupt(() => enough.abort());
  try {
    for (;;) {
      const last = desk.now() >= deadline || enough.signal.aborted;
      const waiting = asked.filter((deviceId) => !ended.has(deviceId));
      const found = await look(hub, id, waiting, last).catch((error) => unseen(waiting, error));
      for (const one of found.ended) ended.set(one.deviceId, one);
      const unwell = [...ended.values()].filter(({ outcome }) => outcome !== 'done').length;
      progress.show(ended.size, asked.length, found.trouble ?? (unwell === 0 ? '' : `${unwell} otherwise`));
      if (ended.size === asked.length || last) {
        return { ended: [...ended.values()], missing: found.missing, waitedMs: desk.now() - begun };
      }
      await desk.sleep(Math.min(pause.next().value, Math.max(1, deadline - desk.now())), enough.signal);
    }
  } finally {
    progress.end();
    unheard();
  }
}

interface Found extends Pick<Followed, 'ended' | 'missing'> {
  readonly trouble?: string;
}

/** The hub does not answer, or refuses us. The next look may succeed; earlier results are told in any case. */
function unseen(waiting: readonly string[], error: unknown): Found {
  if (!(error instanceof Failed)) throw error;
  const { message } = error;
  return { ended: [], missing: waiting.map((deviceId) => ({ deviceId, why: message })), trouble: message };
}

async function look(hub: Hub, id: string, waiting: readonly string[], last: boolean): Promise<Found> {
  if (waiting.length <= FEW || last) return readEach(hub, id, waiting);
  const rows = await hub.query(`SELECT * FROM devices WHERE properties.reported.newleaf.last.id = '${id}'`);
  const ended = rows.flatMap((row) => {
    const { deviceId, properties } = v.parse(Queried, row);
    const outcome = waiting.includes(deviceId) ? endOf(deviceId, id, properties.reported) : undefined;
    return outcome ?? [];
  });
  return { ended, missing: [] };
}

async function readEach(hub: Hub, id: string, waiting: readonly string[]): Promise<Found> {
  const ended: Ended[] = [];
  const missing: Missing[] = [];
  await atOnce(AT_ONCE, waiting, async (deviceId) => {
    const twin = await hub.twin(deviceId);
    const end = twin && endOf(deviceId, id, twin.reported);
    if (twin === undefined) ended.push({ deviceId, outcome: 'gone' });
    else if (end === undefined) missing.push({ deviceId, why: whyOf(twin) });
    else ended.push(end);
  });
  return { ended, missing };
}

function endOf(deviceId: string, id: string, reported: unknown): Ended | undefined {
  const { last, next } = newleafIn(reported);
  if (last?.id !== id) return undefined;
  const { outcome, code } = last;
  const parked = next?.standing === 'parked' ? next.thumbprint : undefined;
  return { deviceId, outcome, ...(code && { code }), ...(parked && { parked }) };
}

/** The last known state of a device whose request has not ended. */
function whyOf(twin: Twin): string {
  if (!twin.connected) return 'not connected';
  const { phase = '' } = newleafIn(twin.reported);
  if (phase === 'serving') return 'connected, and has not begun';
  return (WORDS as Readonly<Record<string, string>>)[phase] ?? 'connected, and does not say what it does';
}

export function newleafIn(reported: unknown): Newleaf {
  const read = v.safeParse(Reported, reported);
  return read.success ? read.output.newleaf : {};
}
