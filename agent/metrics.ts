import { isEndorsed } from './roll/leaf.ts';
import type { RollState } from './roll/state.ts';

/** Prometheus text (exposition format 0.0.4). Moments are in seconds since the epoch. */
export function metricsOf({ phase, online, current, next, flaps, outcomes }: RollState): string {
  const lines = [
    gauge('newleaf_online', 'A session with the hub is open.', online === undefined ? 0 : 1),
    gauge('newleaf_parked', 'A candidate waits for its enrollment.', next?.parked === undefined ? 0 : 1),
    gauge('newleaf_stranded', 'Every automatic way has been refused.', phase === 'stranded' ? 1 : 0),
    gauge('newleaf_flaps', 'Sessions in a row that ended within a minute.', flaps),
  ];
  if (current !== undefined && !isEndorsed(current)) {
    lines.push(gauge('newleaf_leaf_not_after_seconds', 'When the current leaf ends.', current.notAfter / 1000));
  }
  const [last] = outcomes;
  if (last !== undefined) {
    lines.push(gauge('newleaf_last_outcome_seconds', 'When the last request ended.', last.endedAt / 1000));
    lines.push(gauge('newleaf_last_outcome_done', 'Whether it was done.', last.outcome === 'done' ? 1 : 0));
  }
  return lines.join('');
}

function gauge(name: string, help: string, value: number): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`;
}
