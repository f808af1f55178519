/** A line of the daemon's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** What to look for: fields that must be equal, or a predicate. */
export type LineQuery = LogLine | ((line: LogLine) => boolean);

export interface Waiting {
  /** How many lines are not looked at. */
  readonly since?: number;
  readonly timeoutMs?: number;
  /** Fulfilled when no more lines come, with what ended the daemon. */
  readonly gone?: Promise<unknown>;
}

const SHOWN = 25;

/** The log of a daemon, as it comes. */
export class DaemonLog {
  readonly lines: LogLine[] = [];
  readonly #watchers = new Set<(line: LogLine) => void>();

  add(line: LogLine): void {
    this.lines.push(line);
    for (const watcher of [...this.#watchers]) watcher(line);
  }

  matching(query: LineQuery): readonly LogLine[] {
    return this.lines.filter(matcher(query));
  }

  /**
   * The first line after the first `since` ones that matches, at once if it is there already.
   * Rejects after `timeoutMs`, or when `gone` is fulfilled, with the tail of the log in the message.
   */
  waitFor(query: LineQuery, { since = 0, timeoutMs = 60_000, gone }: Waiting = {}): Promise<LogLine> {
    const matches = matcher(query);
    const present = this.lines.slice(since).find(matches);
    if (present !== undefined) return Promise.resolve(present);
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        const wanted = typeof query === 'function' ? String(query) : JSON.stringify(query);
        reject(new Error(`${why} for ${wanted}; the log of the daemon ends:\n${this.tail()}`));
      };
      const timer = setTimeout(fail, timeoutMs, `no line in ${timeoutMs} ms`);
      void gone?.then((how) => fail(`the daemon has ended with ${how}, and there is no line`));
      const watcher = (line: LogLine): void => {
        if (!matches(line)) return;
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve(line);
      };
      this.#watchers.add(watcher);
    });
  }

  tail(): string {
    return this.lines
      .slice(-SHOWN)
      .map((line) => JSON.stringify(line))
      .join('\n');
  }
}

function matcher(query: LineQuery): (line: LogLine) => boolean {
  if (typeof query === 'function') return query;
  const wanted = Object.entries(query);
  return (line) => wanted.every(([name, value]) => line[name] === value);
}
