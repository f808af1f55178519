import { Turns } from '../time/turns.ts';

/**
 * Syncs of the programs' files, two at a time. Node does work of files in four threads (UV_THREADPOOL_SIZE), and those of the
 * journal, of DNS and of keys wait for one, too: with 32 programs on a disk that takes 200 ms for a sync, a roll of 4 seconds took
 * 88. A file system puts syncs of one moment together, so the programs lose little.
 */
class SlowWork {
  #lanes: readonly [Turns, Turns] = [new Turns(), new Turns()];

  take<T>(work: () => Promise<T>): Promise<T> {
    const [lane, other] = this.#lanes;
    this.#lanes = [other, lane];
    return lane.take(work);
  }
}

export const slowWork = new SlowWork();
