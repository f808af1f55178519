import type { RollState } from '../roll/state.ts';
import type { DaemonOptions } from './options.ts';

/**
 * The answer of an issuer is about the settings of that moment. Where a person has corrected them, and has started newleaf
 * again, it is asked at once.
 */
export async function issuerChangedIn(
  { next, outcomes }: RollState,
  { issuerChanged }: Pick<DaemonOptions, 'issuerChanged'>,
): Promise<{ readonly isIssuerChanged: true } | undefined> {
  const refused = next?.leaf !== undefined ? undefined : next?.rest?.failure.code;
  const last = outcomes.find(({ failure }) => refused !== undefined && failure?.code === refused);
  return last !== undefined && (await issuerChanged?.(last.endedAt)) === true ? { isIssuerChanged: true } : undefined;
}
