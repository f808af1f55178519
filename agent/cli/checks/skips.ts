import { isUnseen } from './check.ts';
import type { Result } from './examine.ts';
import { CHECKS } from './list.ts';

/** Checks that were skipped for one reason. */
export interface Skipped {
  readonly ids: readonly string[];
  /** The check that failed, or that was skipped for a reason of its own. */
  readonly because: Result;
}

/** What was skipped, by its reason: one fault can take twenty checks with it. */
export function skippedIn(results: readonly Result[]): readonly Skipped[] {
  const groups = new Map<string, Skipped>();
  for (const result of results.filter(({ outcome }) => outcome === 'skipped')) {
    const because = reasonOf(result, results);
    const key = because.outcome === 'failed' ? because.id : because.message;
    groups.set(key, { because, ids: [...(groups.get(key)?.ids ?? []), result.id] });
  }
  return [...groups.values()];
}

/** How many checks this user may not make. One that has nothing to look at, as before the first leaf, is none. */
export const unseenIn = (results: readonly Result[]): number =>
  skippedIn(results).reduce((sum, { ids, because }) => sum + (isUnseen(because) ? ids.length : 0), 0);

const NEEDS = new Map(CHECKS.map(({ id, needs }) => [id, needs]));

/** What it needs is followed to its end. Of several reasons a fault comes first, then missing rights. */
function reasonOf(result: Result, results: readonly Result[]): Result {
  const needed = results.filter(({ id }) => NEEDS.get(result.id)?.includes(id));
  const unmet = needed.filter(({ outcome }) => outcome === 'failed' || outcome === 'skipped');
  const reasons = unmet.map((one) => reasonOf(one, results));
  return reasons.find(({ outcome }) => outcome === 'failed') ?? reasons.find(isUnseen) ?? reasons[0] ?? result;
}
