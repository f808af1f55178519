import type { TestContext } from 'node:test';
import type { Entry } from '../../simulator/log.ts';
import type { Simulator } from '../../simulator/simulator.ts';

type Telling = (entry: Entry) => string;

/** What a reader of the story wants to know; the rest of the far side's log is detail. */
const TELLINGS: Partial<Record<Entry['event'], Telling>> = {
  issued: ({ thumbprint = '' }) => `the CA issues ${short(thumbprint)}`,
  register: ({ thumbprint = '' }) => `DPS is asked to register ${short(thumbprint)}`,
  assigned: ({ hub = '' }) => `DPS assigns ${hub}`,
  refused: ({ code = 0, reason = '' }) => `refused: ${code} ${reason}`,
  connack: ({ server, code = 0, thumbprint = '' }) => `${server} answers CONNACK ${code} to ${short(thumbprint)}`,
  disconnected: ({ server, reason = '', thumbprint = '' }) => `${server} lets ${short(thumbprint)} go: ${reason}`,
  method: ({ body }) => `the back end calls reprovision ${JSON.stringify(body)}`,
  'method-answer': ({ code = 0 }) => `the gateway answers ${code}`,
  registry: ({ server, reason = '' }) => `the identity in ${server} is ${reason}`,
};

const short = (thumbprint: string): string => thumbprint.slice(0, 8);

/** Something that somebody did, beside what the far side saw. */
export interface Line {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly text: string;
}

/** Prints the far side's account of a story, with the time since its beginning, and what else there is to tell. */
export function tell(
  t: TestContext,
  far: Simulator,
  since: number,
  from = far.log.since(since)[0]?.at ?? 0,
  more: readonly Line[] = [],
): void {
  const seen = far.log.since(since).flatMap((entry) => {
    const telling = TELLINGS[entry.event];
    const isDetail = telling === undefined || (entry.server === 'dps' && entry.event === 'disconnected');
    return isDetail ? [] : [{ at: entry.at, text: telling(entry) }];
  });
  for (const { at, text } of [...seen, ...more].sort((one, other) => one.at - other.at)) {
    t.diagnostic(`${String(Math.round(at - from)).padStart(6)} ms  ${text}`);
  }
}
