import type { Terms } from './plan.ts';
import type { Signal } from './signal.ts';
import type { RollState } from './state.ts';

/** A method's request, or newleaf's own work, counts against the budget; a technician, a due leaf and a probe do not. */
export function isCharged(signal: Signal): boolean {
  if (signal.kind === 'asked' || signal.kind === 'delivered') return signal.request.from === 'method';
  return signal.kind === 'rejected' || signal.kind === 'configuration' || signal.kind === 'new-key';
}

/** Token bucket: `burst` at once, `requestsPerHour` in the long run. */
export function budgetLeft({ budget }: RollState, { requestsPerHour, burst }: Terms, now: number): number {
  // A moment that is still to come is that of a clock which has been set back since.
  if (budget.at > now + 60_000) return burst;
  const earned = (Math.max(0, now - budget.at) * requestsPerHour) / 3_600_000;
  return Math.min(burst, budget.left + earned);
}
