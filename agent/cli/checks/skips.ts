import { isUnseen } from './check.ts';
import type { Result } from './examine.ts';

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

/** `needs hub-reach and leaf-key` is followed to its end. Of several reasons a fault comes first, then missing rights. */
function reasonOf(result: Result, results: readonly Result[]): Result {
  const [, needed] = /^needs (\S+(?: and \S+)*)$/.exec(result.message) ?? [];
  const reasons = (needed?.split(' and ') ?? []).flatMap((id) => {
    const need = results.find((one) => one.id === id);
    return need === undefined ? [] : [reasonOf(need, results)];
  });
  return reasons.find(({ outcome }) => outcome === 'failed') ?? reasons.find(isUnseen) ?? reasons[0] ?? result;
}
