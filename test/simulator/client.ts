import type { Endpoints, SimulatorApi } from './api.ts';
import { OPERATIONS } from './control.ts';
import { type Entry, matcher, type Query } from './log.ts';

const POLL = 20_000;

/** A simulator in another process. */
export interface RemoteSimulator extends SimulatorApi {
  readonly endpoints: Endpoints;
  /** Entries after the sequence number; 0 gives all. */
  entries(since?: number): Promise<Entry[]>;
  /** The first entry after `since` that matches; rejects after `timeoutMs`. */
  waitFor(query: Query, timeoutMs?: number, since?: number): Promise<Entry>;
  /** Ends the process of the simulator. */
  stop(): Promise<void>;
}

async function call<T>(url: string, method: 'GET' | 'POST', args?: readonly unknown[]): Promise<T> {
  const response = await fetch(url, { method, ...(args && { body: JSON.stringify(args) }) });
  const body: unknown = await response.json();
  if (!response.ok) {
    const told = typeof body === 'object' && body !== null && 'error' in body ? body.error : response.status;
    throw new Error(String(told));
  }
  return body as T;
}

/** Reaches a simulator by the URL that `main.ts` prints as `control`. */
export async function connectSimulator(control: string): Promise<RemoteSimulator> {
  const operations = Object.fromEntries(
    Object.keys(OPERATIONS).map((name) => [
      name,
      (...args: unknown[]) => call<unknown>(`${control}/api/${name}`, 'POST', args),
    ]),
  ) as unknown as SimulatorApi;
  const entries = (since = 0, waitMs = 0): Promise<Entry[]> =>
    call(`${control}/log?since=${since}&waitMs=${waitMs}`, 'GET');

  return {
    ...operations,
    endpoints: await call<Endpoints>(`${control}/endpoints`, 'GET'),
    entries: (since) => entries(since),
    stop: () => call(`${control}/stop`, 'POST'),
    async waitFor(query, timeoutMs = 60_000, since = 0) {
      const deadline = Date.now() + timeoutMs;
      const matches = matcher(query);
      let seen = since;
      for (let left = timeoutMs; left > 0; left = deadline - Date.now()) {
        const news = await entries(seen, Math.min(left, POLL));
        const found = news.find(matches);
        if (found !== undefined) return found;
        seen = news.at(-1)?.seq ?? seen;
      }
      throw new Error(`no entry in ${timeoutMs} ms for ${typeof query === 'function' ? query : JSON.stringify(query)}`);
    },
  };
}
