import type { Call } from '../command.ts';
import { quiet } from '../desk.ts';
import { Unenrolled } from '../device.ts';
import { Dps } from '../dps.ts';
import { askEach, byDevice, isDue, type Ready, type Unready, writeEach } from '../each.ts';
import type { Edit } from '../edit.ts';
import type { Hub } from '../hub.ts';
import { isAway } from '../refusal.ts';
import type { Gateway } from './judge.ts';

/**
 * Edits the enrollments of the next devices, before these are called. What is done stays, so it may be repeated.
 * @returns those that are not to be called, with their reasons; undefined after Ctrl-C
 * @throws Failed where DPS or the hub is away
 */
export type Prepare = (devices: readonly string[], enough: AbortSignal) => Promise<readonly Gateway[] | undefined>;

/** Edits individual enrollments, each by what its device sends. */
export async function leafByLeaf({ desk, ...call }: Call, hub: Hub, edit: Edit): Promise<Prepare> {
  const dps = await Dps.open({ desk, ...call });
  return async (devices, enough) => {
    const onInterrupt = (heard: () => void): (() => void) => {
      enough.addEventListener('abort', heard);
      return () => enough.removeEventListener('abort', heard);
    };
    // The bar is that of the waves.
    const silent: Call = { ...call, desk: { ...quiet(desk), onInterrupt } };
    const [ready, failed]: [Ready[], Unready[]] = [[], []];
    const isWhole =
      (await askEach(silent, { dps, hub }, devices, { edit, find: byDevice, ready, failed })) &&
      (await writeEach(silent, dps, ready.filter(isDue), failed));
    const away = failed.find(({ error }) => isAway(error));
    if (away !== undefined) throw away.error;
    return isWhole ? failed.map(unwell) : undefined;
  };
}

const unwell = ({ id, error }: Unready): Gateway => ({
  deviceId: id,
  state: 'otherwise',
  reason: error.message,
  ...(error instanceof Unenrolled && { next: error.thumbprint }),
});
