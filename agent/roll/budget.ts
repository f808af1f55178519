import type { Memory } from './core/memory.ts';
import type { Terms } from './terms.ts';

/** Token bucket of what methods ask for: `burst` at once, `requestsPerHour` in the long run. */
export function budgetLeft({ budget }: Pick<Memory, 'budget'>, { requestsPerHour, burst }: Terms, now: number): number {
  // A moment that is still to come is that of a clock which has been set back since.
  if (budget.at > now + 60_000) return burst;
  const earned = (Math.max(0, now - budget.at) * requestsPerHour) / 3_600_000;
  return Math.min(burst, budget.left + earned);
}
