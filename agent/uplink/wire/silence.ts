import type { Timers } from './limits.ts';

export interface Silence {
  heard(): void;
  end(): void;
}

/**
 * Notices that a client says nothing for too long, with one timer however much it says.
 * @param excused whether the client cannot be heard, because it is not read from
 */
export function watchSilence(timers: Timers, longestMs: number, excused: () => boolean, tooLong: () => void): Silence {
  let heardAt = timers.monotonic();
  let cancel = (): void => {};
  const heard = () => {
    heardAt = timers.monotonic();
  };
  const arm = (ms: number): void => {
    cancel = timers.after(ms, () => {
      if (excused()) heard();
      const left = heardAt + longestMs - timers.monotonic();
      if (left <= 0) tooLong();
      else arm(left);
    });
  };
  arm(longestMs);
  return { heard, end: () => cancel() };
}
