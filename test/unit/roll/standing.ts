import { type Failure, failure } from '../../../agent/failure/failure.ts';
import type { Candidate } from '../../../agent/roll/candidate.ts';
import type { Request } from '../../../agent/roll/state.ts';
import type { Terms } from '../../../agent/roll/terms.ts';
import { leafOf, NOW } from './machine.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export const current = leafOf('g0', 'a');
export const candidate = leafOf('g1', 'b');

/** 20 an hour: one every 3 minutes. */
export const tight: Partial<Terms> = { requestsPerHour: 20, burst: 10, minRollIntervalMs: MINUTE };
export const person: Partial<Terms> = { automatic: false };

export function request(action: Request['action'], from: Request['from'] = 'technician'): Request {
  return { id: 'r', action, reason: 'asked', from, at: NOW };
}

export const rest = { failure: failure('NL-DPS-401002'), askAt: NOW };
export const waitsFor = (failure: Failure): Candidate => ({
  is: 'parked',
  key: candidate.key,
  leaf: candidate,
  for: 'roll',
  tries: 1,
  rest: { ...rest, failure },
  met: failure,
});
/** A candidate that waits for its enrollment. */
export const waits = waitsFor(rest.failure);
