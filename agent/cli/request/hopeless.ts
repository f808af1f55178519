import { EXIT, exitOf } from '../../failure/exit.ts';
import { type Code, Fault } from '../../failure/failure.ts';
import type { Phase } from '../../roll/phase.ts';
import type { Status } from '../../roll/report.ts';
import type { Complaint } from '../kit/command.ts';

/** Where a roll meets a failure that only a person ends: the token makes no key without a PIN. */
const BEFORE_KEY: ReadonlySet<Phase> = new Set<Phase>(['generating-key', 'retiring-key']);

/** newleaf tries a request again by itself, and it cannot help before a person has acted. */
export class Hopeless extends Fault {}

export interface Met {
  /** A failure of this moment. */
  readonly heard: (Complaint & { readonly code: Code }) | undefined;
  /** When the person asked, by the clock of the daemon, ISO 8601: a failure from before it may be cured. */
  readonly since: string | undefined;
}

/**
 * Whether a person must act before the request can go on; undefined where it goes on. Other requests go on beside a key that
 * cannot be made.
 */
export function hopeless(id: string, { request, phase, trouble }: Status, { heard, since }: Met): Hopeless | undefined {
  const { at = '' } = trouble ?? {};
  const isOfThis = trouble?.request === id && since !== undefined && at >= since;
  const met = heard ?? (isOfThis ? trouble : undefined);
  const waitsForKey = request?.id === id && request.action === 'roll' && BEFORE_KEY.has(phase);
  if (!waitsForKey || met === undefined || exitOf(met) !== EXIT.person) return undefined;
  // The other place may be free. Where it is not, the request ends.
  if (met.code === 'NL-TOKEN-OCCUPIED') return undefined;
  const { code, message, advice } = met;
  const told = `${message} newleaf cannot end this by itself, and the request ${id} waits: a person is needed.`;
  return new Hopeless(code, { message: told, ...(advice !== undefined && { advice }) });
}
