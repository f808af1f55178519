import type { RollState } from './state.ts';

/**
 * A request that gets no answer, and may get none for days: from its issuer, or from a hub that nobody reaches. The operator
 * may have to change the hub meanwhile. A refusal is an answer, and has a ladder of its own.
 */
export function isStuck(state: RollState): boolean {
  const { phase, trouble } = state;
  const waits = phase === 'generating-key' || phase === 'requesting-leaf' || phase === 'connecting-next';
  return (waits || lacksHub(state)) && trouble !== undefined && trouble.kind !== 'refused';
}

/** A re-registration that is through with DPS, and waits for the hub. */
const lacksHub = ({ phase, request, online }: RollState): boolean =>
  phase === 'serving' && request?.action === 're-register' && online === undefined;

/** A registration that DPS does not answer, or that the token cannot sign: a technician may have another way. */
export function getsNoRegistration({ phase, trouble, unheard = 0 }: RollState): boolean {
  const registers = phase === 'registering' || phase === 'registering-next' || phase === 'abandoning';
  return registers && (unheard > 0 || trouble?.kind === 'broken');
}
