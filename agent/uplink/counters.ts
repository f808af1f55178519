import type { Failure } from '../failure/failure.ts';
import type { CountedQueue, Flow } from './flow.ts';
import { NOTHING_YET, type Program } from './program.ts';

/** Metrics of the uplink, with their meaning; each has the label `program`. Names are stable: metrics are added, never renamed. */
const METRICS: Readonly<Record<string, readonly [help: string, of: (program: Program) => number | undefined]>> = {
  newleaf_uplink_queued_messages: ['Messages that wait for the hub.', ({ queue }) => queue.count],
  newleaf_uplink_queued_bytes: ['Their bytes on disk.', ({ queue }) => queue.bytes],
  newleaf_uplink_oldest_seconds: ['When the oldest of them was stored.', ({ queue }) => seconds(queue.oldestAt)],
  newleaf_uplink_inbox_messages: ['Messages from the cloud that wait for the program.', ({ inbox }) => inbox.count],
  newleaf_uplink_inbox_bytes: ['Their bytes on disk.', ({ inbox }) => inbox.bytes],
  newleaf_uplink_inbox_oldest_seconds: ['When the oldest of them was stored.', ({ inbox }) => seconds(inbox.oldestAt)],
  newleaf_uplink_forwarded: [
    'Messages that the hub has acknowledged, since the start.',
    ({ counts }) => counts.forwarded,
  ],
  newleaf_uplink_resent: [
    'Messages that were sent again after the end of a session: at most so many came twice.',
    ({ counts }) => counts.resent,
  ],
  newleaf_uplink_refused: [
    'Messages that were refused, and are with the program still.',
    ({ counts }) => counts.refused,
  ],
  newleaf_uplink_dropped: [
    'Messages that were lost to age, to drop-oldest, or to QoS 0 without a session.',
    (program) => countsOf(program).dropped,
  ],
  newleaf_uplink_expired: [
    'Messages that were not sent, because the time in their `$.exp` had passed.',
    (program) => countsOf(program).expired,
  ],
  newleaf_uplink_damaged: ['Messages that were lost to the disk.', (program) => countsOf(program).damaged],
  newleaf_uplink_set_aside: ['Messages that the hub never takes.', ({ counts }) => counts.setAside],
  newleaf_uplink_clients: ['Connections of the program.', ({ clients }) => clients.length],
};

/** For the page: name and meaning. */
export const UPLINK_METRICS = Object.fromEntries(Object.entries(METRICS).map(([name, [help]]) => [name, help]));

interface Counted extends Pick<Program, 'name' | 'connects' | 'terms' | 'counts' | 'clients'> {
  readonly queue: Pick<CountedQueue, keyof typeof EMPTY>;
  readonly inbox: Pick<CountedQueue, keyof typeof EMPTY>;
  readonly up: Pick<Flow, 'expired'>;
  readonly down: Pick<Flow, 'expired'>;
}

/** What is counted of a program. */
export function countsOf({ name, connects, terms, queue, inbox, up, down, counts, clients }: Counted) {
  return {
    name,
    connects,
    ...(Object.keys(terms).length > 0 && { terms }),
    clients: clients.length,
    queued: queue.count,
    bytes: queue.bytes,
    ...(queue.oldestAt !== undefined && { oldest: new Date(queue.oldestAt).toISOString() }),
    inbox: inbox.count,
    inboxBytes: inbox.bytes,
    ...(inbox.oldestAt !== undefined && { inboxOldest: new Date(inbox.oldestAt).toISOString() }),
    forwarded: counts.forwarded,
    resent: counts.resent,
    refused: counts.refused,
    dropped: counts.dropped + queue.counts.dropped + inbox.counts.dropped,
    expired: up.expired + down.expired,
    damaged: queue.counts.damaged + inbox.counts.damaged,
    setAside: counts.setAside,
  };
}

/** The first is the cause; of the others the codes, the first among them. */
export function troubledBy(troubles: readonly Failure[]) {
  const [trouble] = troubles;
  return trouble && { trouble, codes: [...new Set(troubles.map(({ code }) => code))] };
}

const EMPTY = { count: 0, bytes: 0, oldestAt: undefined, counts: { dropped: 0, damaged: 0 } };

/** A program that could not be opened. */
export const uncounted = (name: string) =>
  countsOf({
    name,
    connects: 'socket',
    terms: {},
    clients: [],
    queue: EMPTY,
    inbox: EMPTY,
    up: { expired: 0 },
    down: { expired: 0 },
    counts: NOTHING_YET,
  });

/** Prometheus text (exposition format 0.0.4). */
export function uplinkMetrics(programs: readonly Program[]): string {
  const textOf = ([metric, [help, of]]: readonly [string, (typeof METRICS)[string]]): string => {
    const rows = programs.flatMap((program) => {
      const value = of(program);
      return value === undefined ? [] : [`${metric}{program="${program.name}"} ${value}\n`];
    });
    return `# HELP ${metric} ${help}\n# TYPE ${metric} gauge\n${rows.join('')}`;
  };
  return Object.entries(METRICS).map(textOf).join('');
}

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);
