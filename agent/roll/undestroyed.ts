import { type Failure, failure } from '../failure/failure.ts';
import type { RollState } from './state.ts';

/** A key that has served, and stays in the token: told until it is gone, as the next roll but one needs its slot. */
export function undestroyedIn({ retire }: RollState): Failure | undefined {
  const key = retire.find(({ is }) => is === 'undestroyed');
  if (key === undefined) return undefined;
  const message = `The key with CKA_ID ${key.id} in slot ${key.slot} is not needed any more, and the token has not destroyed it.`;
  const advice =
    "newleaf tries again once a day. Or destroy it with the tool of the token's vendor, then `systemctl restart newleaf`.";
  return failure('NL-TOKEN-FAILED', { message, advice });
}
