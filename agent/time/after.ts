/** Calls after so many milliseconds, unless the function that it returns is called before. */
export type After = (ms: number, call: () => void) => () => void;

/** By the timers of node, which do not keep the process alive. */
export const later: After = (ms, call) => {
  const timer = setTimeout(call, ms);
  timer.unref();
  return () => clearTimeout(timer);
};
