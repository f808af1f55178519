import { failureOf } from '../../thrown.ts';
import type { Check, Finding } from './check.ts';
import type { Site } from './site.ts';

export interface Result extends Finding {
  readonly id: string;
  readonly describes: string;
}

/**
 * Runs checks in their order, and gives each result as soon as it is there. Never throws: what a check throws is its
 * result. A check whose needs were not met is skipped, and says so: one fault is told once.
 */
export async function* examine(checks: readonly Check[], site: Site): AsyncGenerator<Result, void> {
  const unmet = new Set<string>();
  for (const check of checks) {
    const { id, describes, needs } = check;
    const missing = needs.filter((need) => unmet.has(need));
    const finding: Finding =
      missing.length > 0
        ? { outcome: 'skipped', message: `needs ${missing.join(' and ')}` }
        : await check.look(site).catch(findingOf);
    if (finding.outcome === 'failed' || finding.outcome === 'skipped') unmet.add(id);
    yield { id, describes, ...finding };
  }
}

/** The checks with these ids and what they need, in the order of the list; all, where no id is given. */
export function select(checks: readonly Check[], ids: readonly string[]): readonly Check[] {
  if (ids.length === 0) return checks;
  const wanted = new Set(ids);
  // A need stands before those who need it, so one walk from the end finds all.
  for (const { id, needs } of checks.toReversed()) if (wanted.has(id)) for (const need of needs) wanted.add(need);
  return checks.filter(({ id }) => wanted.has(id));
}

function findingOf(error: unknown): Finding {
  const denied = deniedPath(error);
  if (denied !== undefined) {
    return { outcome: 'skipped', message: `This user may not read ${denied}.`, advice: 'sudo newleaf check' };
  }
  const { code, message, advice, cause } = failureOf(error);
  return { outcome: 'failed', code, message: cause === undefined ? message : `${message} (${cause})`, advice };
}

/** The file that may not be read, where this is why a check failed: it says nothing about the gateway. */
function deniedPath(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  return code === 'EACCES' ? (path ?? 'a file') : deniedPath(error.cause);
}
