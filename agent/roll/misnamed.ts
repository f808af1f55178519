import { type Failure, failure } from '../failure/failure.ts';
import type { Leaf } from './leaf.ts';

/** DPS takes a leaf for its own registration ID only: with another one it refuses, whatever is enrolled. */
export function misnamed(leaf: Leaf | undefined, registrationId: string): Failure | undefined {
  if (leaf === undefined || leaf.cn === registrationId) return undefined;
  const message = `The CN of the leaf is ${leaf.cn}, and dps.registration_id is ${registrationId}.`;
  const advice = `Set dps.registration_id = "${leaf.cn}". For another one, give this gateway up: \`newleaf decommission\`, then \`newleaf init\`.`;
  return failure('NL-DPS-REJECTED', { message, advice });
}
