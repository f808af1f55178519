import { setTimeout as pause } from 'node:timers/promises';
import { descriptorsOf, memoryOf } from '../bench/proc.ts';

/** A collection takes some tens of milliseconds; the kernel has the pages back soon after. */
const COLLECTED_MS = 3_000;
/** The first part of a run, in which buffers and caches grow to what they need. */
const WARMING = 0.2;

export interface Look {
  /** Hours since the run began. */
  readonly at: number;
  /** MiB that the kernel cannot drop, after a collection. */
  readonly anon: number;
  readonly descriptors: number;
}

/** What a daemon that was started with collect.cjs has left when its garbage is collected. */
export async function look(pid: number, at: number): Promise<Look> {
  process.kill(pid, 'SIGUSR2');
  await pause(COLLECTED_MS);
  return { at, anon: memoryOf(pid).anon, descriptors: descriptorsOf(pid) };
}

export interface Growth {
  /** MiB an hour: the line of least squares through all looks but those of the beginning. */
  readonly slope: number;
  /** What that line gains over the run, in MiB. */
  readonly gained: number;
  readonly least: number;
  readonly most: number;
}

/** @throws Error where there are too few looks to draw a line */
export function growthOf(looks: readonly Look[]): Growth {
  const warm = looks.slice(Math.ceil(looks.length * WARMING));
  const [first, last] = [warm[0], warm.at(-1)];
  if (first === undefined || last === undefined || warm.length < 5)
    throw new Error(`${looks.length} looks are no line`);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [at, anon] = [mean(warm.map((one) => one.at)), mean(warm.map((one) => one.anon))];
  const above = warm.reduce((sum, one) => sum + (one.at - at) * (one.anon - anon), 0);
  const below = warm.reduce((sum, one) => sum + (one.at - at) ** 2, 0);
  const slope = above / below;
  const all = warm.map((one) => one.anon);
  return { slope, gained: slope * (last.at - first.at), least: Math.min(...all), most: Math.max(...all) };
}
