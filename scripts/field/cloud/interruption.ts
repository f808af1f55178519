/** One Ctrl-C may reach a process twice: by the terminal and by its parent, or as `timeout` signals a child and its group. */
const ECHO_MS = 1_000;

/**
 * Tells what each signal is, as it comes: the first one, the same Ctrl-C once more, or a second one.
 * @param now milliseconds of a clock that is never set
 */
export function hearing(now: () => number): () => 'first' | 'echo' | 'second' {
  let first: number | undefined;
  return () => {
    if (first !== undefined) return now() - first < ECHO_MS ? 'echo' : 'second';
    first = now();
    return 'first';
  };
}
