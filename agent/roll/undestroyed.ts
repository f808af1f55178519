import { another } from '../failure/advice.ts';
import { type Failure, failure } from '../failure/failure.ts';
import type { Purpose } from './candidate.ts';
import type { KeyRef } from './leaf.ts';
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

/** Such a key is in the place of the next one: a person who asked for a CSR is told to ask again. */
export function inTheWay(purpose: Purpose, { slot, id }: KeyRef, met: Failure): Failure {
  const say = (then: string) => `Destroy it with the tool of the token's vendor, then ${then}.`;
  const until = 'Until then the leaf is renewed with the key that it has, half-way between its renewal and its end';
  return failure('NL-TOKEN-OCCUPIED', {
    message: `Slot ${slot} still holds the key with CKA_ID ${id}, which has served before. ${met.message}`,
    ...(purpose === 'roll' ? another((how) => say(`${how}. ${until}`)) : { advice: say('`newleaf csr`') }),
  });
}
