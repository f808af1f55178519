import { EXIT, exitOf } from '../../failure/exit.ts';
import { type Code, Fault } from '../../failure/failure.ts';
import type { Status } from '../../roll/report.ts';
import type { Phase } from '../../roll/state.ts';
import type { Complaint } from '../kit/command.ts';

/** Where a roll meets a failure that only a person ends: the place of its key is not free. */
const BEFORE_KEY: ReadonlySet<Phase> = new Set<Phase>(['generating-key', 'retiring-key']);

/**
 * The end of a request, where newleaf tries again by itself and cannot help before a person has acted; undefined where the
 * request goes on. Other requests go on beside a key that cannot be made.
 * @param heard a failure of this moment; else the one in the status counts, if this request met it
 */
export function hopeless(id: string, status: Status, heard?: Complaint & { readonly code: Code }): Fault | undefined {
  const { request, phase, trouble } = status;
  const met = heard ?? (trouble?.request === id ? trouble : undefined);
  const waitsForKey = request?.id === id && request.action === 'roll' && BEFORE_KEY.has(phase);
  if (!waitsForKey || met === undefined || exitOf(met) !== EXIT.person) return undefined;
  const { code, message, advice } = met;
  const told = `${message} newleaf cannot end this by itself, and the request ${id} waits: a person is needed.`;
  return new Fault(code, { message: told, ...(advice !== undefined && { advice }) });
}
