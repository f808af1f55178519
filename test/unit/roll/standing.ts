import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Code, failure } from '../../../agent/failure/failure.ts';
import { GRACE_REFUSALS } from '../../../agent/roll/backoff.ts';
import type { Parked } from '../../../agent/roll/candidate.ts';
import { decide } from '../../../agent/roll/decide.ts';
import type { Signal } from '../../../agent/roll/signal.ts';
import { type Outcome, type Request, type RollState, unprovisioned } from '../../../agent/roll/state.ts';
import type { Terms } from '../../../agent/roll/terms.ts';
import { hub, leafOf, NOW, terms } from './machine.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export const current = leafOf('g0', 'a');
export const candidate = leafOf('g1', 'b');
/** The refusal that ends the grace is number `last` + 1. */
export const last = GRACE_REFUSALS - 1;

const serving: RollState = {
  ...unprovisioned,
  phase: 'serving',
  current,
  assignment: hub,
  budget: { left: 5, at: NOW },
};
/** 20 an hour: one every 3 minutes. */
export const tight: Partial<Terms> = { requestsPerHour: 20, burst: 10, minRollIntervalMs: MINUTE };
export const person: Partial<Terms> = { automatic: false };

export function request(action: Request['action'], from: Request['from'] = 'technician'): Request {
  return { id: 'r', action, reason: 'asked', from, at: NOW };
}
export function asked(action: Request['action'], from?: Request['from']): Signal {
  return { kind: 'asked', request: request(action, from) };
}
export const delivered: Signal = { kind: 'delivered', request: request('roll') };
export const refusedBy = (code: Code): Signal => ({ kind: 'dps-refused', failure: failure(code) });
export const notEnrolled = refusedBy('NL-DPS-401002');
export const rejected: Signal = { kind: 'rejected' };
export const due: Signal = { kind: 'due' };
export const probe: Signal = { kind: 'probe' };
export const expired: Signal = { kind: 'candidate-expired' };
export const provisioning: Signal = { kind: 'provisioning' };
export const configuration: Signal = { kind: 'configuration', isNew: false };

export const rest = { failure: failure('NL-DPS-401002'), askAt: NOW };
/** A candidate that waits for its enrollment. */
export const waits: Parked = { is: 'parked', leaf: candidate, from: 'issuer', tries: 1, rest, trust: 'refused' };

export function ended(reason: Request['reason'], outcome: Outcome['outcome'], endedAt: number): Outcome {
  return { ...request('roll', 'newleaf'), at: endedAt, reason, outcome, endedAt };
}

/** What differs from a gateway that serves, from terms without limits, and from now. */
type Given = Partial<RollState> & {
  readonly base?: RollState;
  readonly terms?: Partial<Terms>;
  readonly now?: number;
};

/** Why, the signal, what is given, `rule: action`, and until when an `ignore` holds. */
export type Row = readonly [why: string, Signal, Given, answer: string, until?: number];

export function table(name: string, rows: readonly Row[]): void {
  describe(name, () => {
    for (const [why, signal, { base = serving, terms: own, now = NOW, ...part }, answer, until] of rows) {
      test(`${why} → ${answer}`, () => {
        const decision = decide(signal, { state: { ...base, ...part }, terms: { ...terms, ...own }, now });
        assert.equal(`${decision.rule}: ${decision.action}`, answer);
        assert.equal('untilMs' in decision ? decision.untilMs : undefined, until);
        // The word for logs and the twin is the name of the rule that asked for it.
        if ('reason' in decision) assert.equal(decision.reason, decision.rule);
        assert.match(decision.why, /\w/);
      });
    }
  });
}
