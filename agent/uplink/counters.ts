import type { Failure } from '../failure/failure.ts';
import type { Program } from './program.ts';

/** Metrics of the uplink, with their meaning; each has the label `program`. Names are stable: metrics are added, never renamed. */
export const UPLINK_METRICS = {
  newleaf_uplink_queued_messages: 'Messages that wait for the hub.',
  newleaf_uplink_queued_bytes: 'Their bytes on disk.',
  newleaf_uplink_oldest_seconds: 'When the oldest of them was stored.',
  newleaf_uplink_inbox_messages: 'Messages from the cloud that wait for the program.',
  newleaf_uplink_inbox_bytes: 'Their bytes on disk.',
  newleaf_uplink_inbox_oldest_seconds: 'When the oldest of them was stored.',
  newleaf_uplink_forwarded: 'Messages that the hub has acknowledged, since the start.',
  newleaf_uplink_resent: 'Messages that were sent again after the end of a session: at most so many came twice.',
  newleaf_uplink_refused: 'Messages that were refused, and are with the program still.',
  newleaf_uplink_dropped: 'Messages that were lost to age, to drop-oldest, or to QoS 0 without a session.',
  newleaf_uplink_expired: 'Messages that were not sent, because the time in their `$.exp` had passed.',
  newleaf_uplink_damaged: 'Messages that were lost to the disk.',
  newleaf_uplink_set_aside: 'Messages that the hub never takes.',
  newleaf_uplink_clients: 'Connections of the program.',
} as const;

type Name = keyof typeof UPLINK_METRICS;

/** What is counted of a program. */
export function countsOf({ name, connects, terms, queue, inbox, up, down, counts, clients }: Program) {
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

/** A program that could not be opened. */
export const uncounted = (name: string) => ({
  name,
  connects: 'socket' as const,
  clients: 0,
  queued: 0,
  bytes: 0,
  inbox: 0,
  forwarded: 0,
  resent: 0,
  refused: 0,
  dropped: 0,
  expired: 0,
  damaged: 0,
  setAside: 0,
});

/** Prometheus text (exposition format 0.0.4). */
export function uplinkMetrics(programs: readonly Program[]): string {
  const rows = programs.map((program) => {
    const { queue, inbox } = program;
    const { name, forwarded, resent, refused, dropped, expired, damaged, setAside, clients } = countsOf(program);
    const values: Readonly<Record<Name, number | undefined>> = {
      newleaf_uplink_queued_messages: queue.count,
      newleaf_uplink_queued_bytes: queue.bytes,
      newleaf_uplink_oldest_seconds: seconds(queue.oldestAt),
      newleaf_uplink_inbox_messages: inbox.count,
      newleaf_uplink_inbox_bytes: inbox.bytes,
      newleaf_uplink_inbox_oldest_seconds: seconds(inbox.oldestAt),
      newleaf_uplink_forwarded: forwarded,
      newleaf_uplink_resent: resent,
      newleaf_uplink_refused: refused,
      newleaf_uplink_dropped: dropped,
      newleaf_uplink_expired: expired,
      newleaf_uplink_damaged: damaged,
      newleaf_uplink_set_aside: setAside,
      newleaf_uplink_clients: clients,
    };
    return { name, values };
  });
  const linesOf = (metric: Name) =>
    rows
      .filter(({ values }) => values[metric] !== undefined)
      .map(({ name, values }) => `${metric}{program="${name}"} ${values[metric]}\n`);
  return (Object.keys(UPLINK_METRICS) as Name[])
    .map((name) => `# HELP ${name} ${UPLINK_METRICS[name]}\n# TYPE ${name} gauge\n${linesOf(name).join('')}`)
    .join('');
}

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);
