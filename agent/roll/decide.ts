import * as rules from './rules.ts';
import type { Circumstances, Rule, Signal } from './signal.ts';
import type { Decision } from './state.ts';

/**
 * First to answer wins: the order is the policy, and each rule has its reason beside it (rules.ts).
 *
 * The rules do not decide what follows from the answer to an effect and not from a signal:
 * - a candidate that DPS, hub or issuer refuses: parked.ts and failed.ts (with the same grace for a hub that lags DPS)
 * - a candidate whose key is lost: key-lost.ts; a module that loses its state: poison.ts
 * - a leaf that gets no answer, and when the other one is tried: unreached.ts; when DPS is asked for another hub: look.ts
 * - a session that ends again and again: lost.ts
 * - whether a stranded gateway asks for the candidate or for the current leaf: `beginRegister` in moves.ts
 * - how long each ladder pauses, and what may end a pause: backoff.ts, agent/daemon/lanes.ts; requests an hour: budget.ts
 * - how often DPS is asked for a leaf that it has refused: `probeOf` and `rung` in moves.ts, by the moments of plan.ts
 * - work that goes round in circles: agent/daemon/brake.ts; a key that the token does not destroy: failed.ts, keys.ts
 */
export const RULES: readonly (readonly [name: string, rule: Rule])[] = [
  ['grace', rules.graceRule],
  ['candidate-rejected', rules.candidateRejectedRule],
  ['assigned-but-refused', rules.assignedButRefusedRule],
  ['single-flight', rules.singleFlightRule],
  ['budget', rules.budgetRule],
  ['roll-interval', rules.rollIntervalRule],
  ['clock', rules.clockRule],
  ['candidate-expired', rules.candidateExpiredRule],
  ['new-key', rules.newKeyRule],
  ['person', rules.personRule],
  ['due', rules.dueRule],
  ['asked', rules.askedRule],
  ['delivered', rules.deliveredRule],
  ['rejected', rules.rejectedRule],
  ['dps-refused', rules.dpsRefusedRule],
  ['unreached', rules.unreachedRule],
  ['key-lost', rules.keyLostRule],
  ['last-resort', rules.lastResortRule],
  ['configuration', rules.configurationRule],
  ['given-key', rules.givenKeyRule],
  ['provisioning', rules.provisioningRule],
  ['probe', rules.probeRule],
];

export function decide(signal: Signal, circumstances: Circumstances): Decision & { readonly rule: string } {
  for (const [name, rule] of RULES) {
    const decision = rule(signal, circumstances);
    if (decision !== undefined) return { ...rules.withKey(decision, circumstances), rule: name };
  }
  return { action: 'ignore', why: 'no rule asks for work', rule: 'otherwise' };
}
