import { Failed } from '../../agent/cli/kit/command.ts';
import { Count } from '../../agent/cli/kit/progress.ts';
import { screenOf } from '../../agent/cli/kit/screen.ts';
import { WORDS } from '../../agent/roll/report.ts';
import { atOnce } from './at-once.ts';
import { type Desk, pauses } from './desk.ts';
import type { Hub } from './hub.ts';
import type { Twin } from './hub-answers.ts';
import { lastAsked, type Newleaf, newleafIn } from './newleaf.ts';
import { asked, type Outcome, outcomeInWords } from './outcome.ts';
import { isLater } from './request.ts';

/**
 * Up to this many twins are read one by one: a query may lag behind them for minutes (iot-hub-devguide-query-language),
 * and reading thousands of twins at every look would be throttled.
 */
const FEW = 10;
/** Twins that are read at the same time. */
const AT_ONCE = 4;

export interface Wait {
  /** Of the request. */
  readonly id: string;
  /** How long at most; 0 looks once. */
  readonly waitMs: number;
  /** Aborted by Ctrl-C: the wait ends. */
  readonly enough: AbortSignal;
}

/** What is known of the devices that were asked. */
export interface Followed {
  readonly outcomes: readonly Outcome[];
  /** Length of the wait, in milliseconds. */
  readonly waitedMs: number;
}

/** Waits until the twins of these devices tell how the request ended. */
export async function follow(desk: Desk, hub: Hub, devices: readonly string[], wait: Wait): Promise<Followed> {
  if (devices.length === 0) return { outcomes: [], waitedMs: 0 };
  const { id, waitMs, enough } = wait;
  const progress = new Count(desk.err, screenOf(desk.err, desk.env), 'back');
  const pause = pauses(desk);
  const ended = new Map<string, Outcome>();
  const begun = desk.now();
  const deadline = begun + waitMs;
  try {
    for (;;) {
      const isLate = desk.now() >= deadline;
      const isLast = isLate || enough.aborted;
      const waiting = devices.filter((deviceId) => !ended.has(deviceId));
      const found = await look(hub, id, waiting, isLate).catch((error) => unseen(waiting, error));
      for (const one of found.ended) ended.set(one.deviceId, one);
      const unwell = [...ended.values()].filter(({ result }) => result !== 'done').length;
      progress.show(ended.size, devices.length, found.trouble ?? (unwell === 0 ? '' : `${unwell} otherwise`));
      if (ended.size === devices.length || isLast) {
        return { outcomes: [...ended.values(), ...found.missing], waitedMs: desk.now() - begun };
      }
      await desk.sleep(Math.min(pause.next().value, Math.max(1, deadline - desk.now())), enough);
    }
  } finally {
    progress.end();
  }
}

interface Found {
  readonly ended: readonly Outcome[];
  readonly missing: readonly Outcome[];
  readonly trouble?: string;
}

/** The hub does not answer, or refuses us. The next look may succeed; earlier results are told in any case. */
function unseen(waiting: readonly string[], error: unknown): Found {
  if (!(error instanceof Failed)) throw error;
  const { message } = error;
  return { ended: [], missing: waiting.map((deviceId) => asked(deviceId, message)), trouble: message };
}

/** @param isLate the twins are read one by one, as a query may not know of the last ones yet */
async function look(hub: Hub, id: string, waiting: readonly string[], isLate: boolean): Promise<Found> {
  if (waiting.length <= FEW || isLate) return readEach(hub, id, waiting);
  const told = new Map((await lastAsked(hub, id)).map(({ deviceId, newleaf }) => [deviceId, newleaf]));
  const ended = waiting.flatMap((deviceId) => endOf(deviceId, id, told.get(deviceId)) ?? []);
  return { ended, missing: [] };
}

async function readEach(hub: Hub, id: string, waiting: readonly string[]): Promise<Found> {
  const ended: Outcome[] = [];
  const missing: Outcome[] = [];
  await atOnce(AT_ONCE, waiting, async (deviceId) => {
    const twin = await hub.twin(deviceId);
    const end = twin && endOf(deviceId, id, newleafIn(twin.reported));
    if (twin === undefined) ended.push({ deviceId, result: 'otherwise', reason: GONE });
    else if (end === undefined) missing.push(asked(deviceId, whyOf(twin, id)));
    else ended.push(end);
  });
  return { ended, missing };
}

const GONE = 'not in this hub any more: moved to another one, or deleted';

/** How a request has ended on a device, by its twin; undefined where the twin does not tell of this request. */
export function endOf(deviceId: string, id: string, told: Newleaf | undefined): Outcome | undefined {
  const { last, next } = told ?? {};
  if (last?.id !== id) return undefined;
  const { outcome } = last;
  const parked = next?.standing === 'parked' ? next : undefined;
  if (outcome === 'done' && parked === undefined) return { deviceId, result: 'done' };
  const code = last.code ?? parked?.code;
  // Done with a leaf that is parked: the current one was registered again, and the next one refused again.
  const words = outcomeInWords(outcome === 'done' ? 'kept' : outcome);
  const reason = `${words}${code ? ` (${code})` : ''}${parked ? ', its new leaf waits' : ''}`;
  return { deviceId, result: 'otherwise', reason, ...(code && { code }), ...(parked && { next: parked.thumbprint }) };
}

/** The last known state of a device whose request has not ended. */
function whyOf({ connected, reported }: Twin, id: string): string {
  const { phase, last } = newleafIn(reported) ?? {};
  if (isLater(last?.id, id)) return 'called again since, and that has ended';
  if (!connected) return 'not connected';
  if (phase === 'serving') return 'connected, and has not begun';
  return (WORDS as Readonly<Record<string, string>>)[phase ?? ''] ?? 'connected, and does not say what it does';
}
