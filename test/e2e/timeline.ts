import type { TestContext } from 'node:test';
import type { Entry } from '../simulator/log.ts';
import type { Simulator } from '../simulator/simulator.ts';

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

/** Prints the far side's account of a story, with the time since its beginning. */
export function tell(t: TestContext, far: Simulator, since: number, from = far.log.since(since)[0]?.at ?? 0): void {
  for (const entry of far.log.since(since)) {
    const telling = TELLINGS[entry.event];
    if (telling === undefined || (entry.server === 'dps' && entry.event === 'disconnected')) continue;
    t.diagnostic(
      `${Math.round(entry.at - from)
        .toString()
        .padStart(6)} ms  ${telling(entry)}`,
    );
  }
}
