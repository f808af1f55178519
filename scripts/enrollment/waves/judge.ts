import type { Outcome } from '../outcome.ts';
import type { Plan } from './plan.ts';

/** A gateway that a wave was for. */
export interface Gateway extends Pick<Outcome, 'deviceId' | 'reason' | 'code' | 'next'> {
  /**
   * proven: on its new leaf, and the session was held · back: done, and not held for long enough · waiting: no end yet ·
   * otherwise: it ended, and not well · not-asked: the call did not reach it
   */
  readonly state: 'proven' | 'back' | 'waiting' | 'otherwise' | 'not-asked';
  /** When it was done. Milliseconds. */
  readonly at?: number;
}

/** A wave that has begun. */
export interface Begun {
  /** No device is left that it should still call. */
  readonly isWhole: boolean;
  /** When its last job ended, in milliseconds; undefined while one runs. */
  readonly endedAt: number | undefined;
  readonly gateways: readonly Gateway[];
}

export type Verdict =
  | { readonly is: 'call'; readonly wave: number }
  | { readonly is: 'wait'; readonly wave: number; readonly forMs: number; readonly words: string }
  | { readonly is: 'stop'; readonly wave: number; readonly why: string; readonly failed: readonly Gateway[] }
  | { readonly is: 'over'; readonly failed: readonly Gateway[] };

/** How soon those that are not back are looked at again. */
const AGAIN_MS = 15_000;

/** What is next, by what the hub tells alone. Waves count from 0. Pure. */
export function judge(plan: Plan, begun: readonly Begun[], now: number): Verdict {
  const failed: Gateway[] = [];
  let asked = 0;
  for (const [wave, { isWhole, endedAt, gateways }] of begun.entries()) {
    const called = gateways.filter(({ state }) => state !== 'not-asked');
    const deadline =
      endedAt === undefined ? Number.POSITIVE_INFINITY : endedAt + 1_000 * (plan.delay + plan.wait + plan.hold);
    const isLate = isWhole && now >= deadline;
    const isOpen = ({ state }: Gateway): boolean => state === 'waiting' || state === 'back';
    asked += called.length;
    failed.push(...called.filter((one) => one.state === 'otherwise' || (isLate && isOpen(one))));
    const why = limit(plan, failed.length, asked);
    if (why !== undefined) return { is: 'stop', wave, why, failed };
    const wait = (words: string, until: number): Verdict => ({
      is: 'wait',
      wave,
      words,
      forMs: Math.max(0, until - now),
    });
    if (endedAt === undefined) return wait('being called', now);
    if (!isWhole) return { is: 'call', wave };
    if (called.some(({ state }) => state === 'waiting') && !isLate) return wait('not all back', now + AGAIN_MS);
    if (called.some(isOpen) && !isLate) {
      const young = called.filter(({ state }) => state === 'back').map(({ at = now }) => at + plan.hold * 1_000);
      return wait('must hold the session', Math.max(now + AGAIN_MS, ...young));
    }
    const proven = called.filter(({ state }) => state === 'proven');
    if (gateways.length > 0 && proven.length === 0) {
      const none = called.length === 0 ? 'no gateway of this wave was reached' : 'no gateway of this wave is proven';
      return { is: 'stop', wave, why: none, failed };
    }
    const settled = Math.max(endedAt, ...proven.map(({ at = 0 }) => at + plan.hold * 1_000));
    const next = settled + plan.pause * 1_000;
    if (wave + 1 === begun.length && wave + 1 < plan.waves.length && now < next)
      return wait('proven; pause before the next wave', next);
  }
  return begun.length < plan.waves.length ? { is: 'call', wave: begun.length } : { is: 'over', failed };
}

/** Why it is enough, in words. */
function limit({ stop }: Plan, failed: number, asked: number): string | undefined {
  if (failed === 0) return undefined;
  const share = (100 * failed) / asked;
  const isOver = 'count' in stop ? failed >= stop.count : share >= stop.percent;
  if (!isOver) return undefined;
  const option = 'count' in stop ? `--stop-after ${stop.count}` : `--stop-at ${stop.percent}%`;
  return `${failed} of ${asked} that were asked ${failed === 1 ? 'is' : 'are'} not well (${option})`;
}
