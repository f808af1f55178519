import { peakOf } from '../e2e/fleet/figures.ts';
import { Fleet, type FleetOptions } from './fleet.ts';
import type { Rate } from './quota.ts';
import { SECOND, type Story } from './stories.ts';

/** Milliseconds; moments count from the one at which the far side was well again. */
export interface Played {
  readonly story: string;
  readonly options: FleetOptions;
  /** Until all serve; infinite where it took longer than the story allows. */
  readonly allMs: number;
  /** The same by what the quotas let through. */
  readonly boundMs: number;
  /** The longest time without a session that one gateway had after that moment. */
  readonly worstMs: number;
  /** 429 in all, and those that were not the first of their gateway. */
  readonly throttled: number;
  readonly throttledAgain: number;
  readonly registrations: number;
  /** The most within one second. */
  readonly peakOfDps: number;
  readonly peakOfHub: number;
  /** How many serve, by steps of ten seconds. */
  readonly curve: readonly number[];
}

export const STEP_MS = 10 * SECOND;
/** A registration, and a connect after it: what one gateway alone needs. */
const ALONE_MS = 5 * SECOND;

/** Plays a story through one fleet. */
export async function play(story: Story, options: FleetOptions): Promise<Played> {
  const fleet = await Fleet.open(options);
  const { far, members } = fleet;
  const { clock } = far.options;
  let isOver = false;
  const happened = story.happens(fleet).then(() => {
    isOver = true;
  });
  const { isCalled = false } = story;
  const begun = clock.monotonic();
  while (!isOver && !isCalled) await clock.pass(SECOND);
  const zero = isCalled ? begun : clock.monotonic();
  const curve: number[] = [];
  let allMs = Number.POSITIVE_INFINITY;
  for (let at = 0; at <= story.mostMs; at += SECOND) {
    if (at % STEP_MS === 0) curve.push(fleet.serving);
    if (isOver && fleet.serving === members.length) {
      allMs = at;
      break;
    }
    await clock.pass(SECOND);
  }
  await happened;
  const { registrations, connects } = far;
  const throttled = registrations.filter(({ status }) => status === 429);
  const first = new Set(throttled.map(({ device }) => device)).size;
  const worst = Math.max(0, ...far.outages.map(({ until, from }) => until - Math.max(from, zero)));
  fleet.close();
  return {
    story: story.name,
    options,
    allMs,
    boundMs: boundOf(story, fleet),
    worstMs: worst,
    throttled: throttled.length,
    throttledAgain: throttled.length - first,
    registrations: registrations.length,
    peakOfDps: peakOf(registrations.map(({ at }) => at)),
    peakOfHub: peakOf(connects.map(({ at }) => at)),
    curve,
  };
}

/** What the quotas let through at best: they are full when it begins. */
function boundOf(story: Story, { far: { options }, members }: Fleet): number {
  const through = (wanted: number, { count, ms }: Rate) => Math.max(0, wanted * members.length - count) * (ms / count);
  const { registrations, connects, boundMs = (ms: number) => ms } = story;
  const quotasMs = Math.max(through(registrations, options.registrations), through(connects, options.connects));
  return boundMs(quotasMs) + ALONE_MS;
}
