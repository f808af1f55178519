import type { Failure } from '../failure/failure.ts';
import type { Program } from './program.ts';

const NOTHING = {
  connects: 'socket' as Program['connects'],
  clients: 0,
  queued: 0,
  bytes: 0,
  inbox: 0,
  inboxBytes: 0,
  forwarded: 0,
  resent: 0,
  refused: 0,
  dropped: 0,
  expired: 0,
  damaged: 0,
  setAside: 0,
};

/** What is counted of a program. */
export function countsOf({ name, connects, terms, queue, inbox, up, down, counts, sessions }: Program) {
  return {
    name,
    ...NOTHING,
    connects,
    ...(Object.keys(terms).length > 0 && { terms }),
    clients: sessions.clients.length,
    queued: queue.count,
    bytes: queue.bytes,
    ...(queue.oldestAt !== undefined && { oldest: new Date(queue.oldestAt).toISOString() }),
    inbox: inbox.count,
    inboxBytes: inbox.bytes,
    ...(inbox.oldestAt !== undefined && { inboxOldest: new Date(inbox.oldestAt).toISOString() }),
    ...counts,
    dropped: counts.dropped + queue.counts.dropped + inbox.counts.dropped,
    expired: up.expired + down.expired,
    damaged: queue.counts.damaged + inbox.counts.damaged,
  };
}

/** A program that could not be opened. */
export const uncounted = (name: string) => ({ name, ...NOTHING });

/** The first is the cause; of the others the codes, the first among them. */
export function troubledBy(troubles: readonly Failure[]) {
  const [trouble] = troubles;
  return trouble && { trouble, codes: [...new Set(troubles.map(({ code }) => code))] };
}

/** Metrics of the uplink, with their meaning; each has the label `program`. Names are stable: metrics are added, never renamed. */
const METRICS: readonly (readonly [name: string, of: keyof ReturnType<typeof countsOf>, help: string])[] = [
  ['queued_messages', 'queued', 'Messages that wait for the hub.'],
  ['queued_bytes', 'bytes', 'Their bytes on disk.'],
  ['oldest_seconds', 'oldest', 'When the oldest of them was stored.'],
  ['inbox_messages', 'inbox', 'Messages from the cloud that wait for the program.'],
  ['inbox_bytes', 'inboxBytes', 'Their bytes on disk.'],
  ['inbox_oldest_seconds', 'inboxOldest', 'When the oldest of them was stored.'],
  ['forwarded', 'forwarded', 'Messages that the hub has acknowledged, since the start.'],
  ['resent', 'resent', 'Messages that were sent again after the end of a session: at most so many came twice.'],
  ['refused', 'refused', 'Messages that were refused, and are with the program still.'],
  ['dropped', 'dropped', 'Messages that were lost to age, to drop-oldest, or to QoS 0 without a session.'],
  ['expired', 'expired', 'Messages that were not sent, because the time in their `$.exp` had passed.'],
  ['damaged', 'damaged', 'Messages that were lost to the disk.'],
  ['set_aside', 'setAside', 'Messages that the hub never takes.'],
  ['clients', 'clients', 'Connections of the program.'],
];

/** For the page: name and meaning. */
export const UPLINK_METRICS = Object.fromEntries(METRICS.map(([name, , help]) => [`newleaf_uplink_${name}`, help]));

/** Prometheus text (exposition format 0.0.4). */
export function uplinkMetrics(programs: readonly Program[]): string {
  const counted = programs.map(countsOf);
  const textOf = ([name, of, help]: (typeof METRICS)[number]): string => {
    const metric = `newleaf_uplink_${name}`;
    const rows = counted.flatMap((counts) => {
      const value = counts[of];
      const number = typeof value === 'string' ? Date.parse(value) / 1000 : value;
      return number === undefined ? [] : [`${metric}{program="${counts.name}"} ${number}\n`];
    });
    return `# HELP ${metric} ${help}\n# TYPE ${metric} gauge\n${rows.join('')}`;
  };
  return METRICS.map(textOf).join('');
}
