import { plainCause, plainly } from '../../failure/cause.ts';
import { areaOf } from '../../failure/failure.ts';
import { failureOf } from '../../failure/failure-of.ts';
import type { Site } from '../proof/site.ts';
import { type Check, type Finding, failed, skipped, unseen } from './check.ts';
import { closedTo } from './closed.ts';

export interface Result extends Finding {
  readonly id: string;
  readonly describes: string;
}

/**
 * Makes every check as soon as the checks that it needs are done, and gives the results in the order of the list. Never
 * throws: an error is the result of its check. A check whose needs were not met is skipped, so that one fault is told once.
 */
export async function* examine(checks: readonly Check[], site: Site): AsyncGenerator<Result, void> {
  const results = new Map<string, Promise<Result>>();
  for (const check of checks) {
    const needed = check.needs.flatMap((need) => results.get(need) ?? []);
    results.set(check.id, examineOne(check, needed, site));
  }
  for (const result of results.values()) yield await result;
}

async function examineOne(
  { id, describes, needs: _, ...check }: Check,
  needed: readonly Promise<Result>[],
  site: Site,
): Promise<Result> {
  const unmet = (await Promise.all(needed)).filter(({ outcome }) => outcome === 'failed' || outcome === 'skipped');
  if (unmet.length > 0) {
    return { id, describes, outcome: 'skipped', message: `needs ${unmet.map((one) => one.id).join(' and ')}` };
  }
  return { id, describes, ...(await check.look(site).catch((error) => findingOf(error, site))) };
}
/** The checks with these ids, those under them, and what they need, in the order of the list; all, where no id is given. */
export function select(checks: readonly Check[], ids: readonly string[]): readonly Check[] {
  if (ids.length === 0) return checks;
  const under = checks.filter((check) => check.under !== undefined && ids.includes(check.under));
  const wanted = new Set([...ids, ...under.map(({ id }) => id)]);
  // A need stands before those who need it, so one walk from the end finds all.
  for (const { id, needs } of checks.toReversed()) if (wanted.has(id)) for (const need of needs) wanted.add(need);
  return checks.filter(({ id }) => wanted.has(id));
}

async function findingOf(error: unknown, site: Site): Promise<Finding> {
  const { user, isStranger } = site;
  const met = failureOf(error);
  const { code, message, advice, cause } = met;
  if (code === 'NL-TPM-NO-LEAF') return skipped(message);
  if (code === 'NL-DAEMON-RUNS') return skipped(message, advice);
  const denied = deniedPath(error);
  if (denied !== undefined && user === undefined) return unseen(`This user may not read ${denied}.`);
  if (denied !== undefined && user !== undefined && areaOf(met) !== 'TPM')
    return closedTo(user, site, denied, code === 'NL-INTERNAL' ? 'NL-CONFIG' : code);
  if (isStranger && code === 'NL-CONTROL-DENIED') return unseen(message);
  // SoftHSM, for one, cannot even be initialised by a user who may not read its configuration.
  if (isStranger && areaOf({ code }) === 'TOKEN') {
    return unseen(`This user may not use the token as the daemon does: ${message}`);
  }
  return failed(code, cause === undefined ? message : `${message} (${plainCause(plainly(cause))})`, met);
}

/** The file that this user may not read, where the check failed for that: it says nothing about the gateway. */
function deniedPath(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  return code === 'EACCES' ? (path ?? 'a file') : deniedPath(error.cause);
}
