import type { Failure } from '../../../agent/failure/failure.ts';
import type { Assigned, KeyMade, KeyWanted, Purpose, Sent, Unwanted } from '../../../agent/roll/candidate.ts';
import type { Hindrance } from '../../../agent/roll/state.ts';
import { hub, NOW } from './machine.ts';
import { candidate, rest } from './standing.ts';

/* The candidate on its way; `waits` of standing.ts is one that is parked. */

const issued = { leaf: candidate, from: 'issuer', tries: 0 } as const;

export const wanted = (purpose: Purpose = 'roll'): KeyWanted => ({
  is: 'key-wanted',
  slot: 'b',
  id: candidate.key.id,
  for: purpose,
  tries: 0,
});
export const made = (purpose: Purpose = 'roll', key = candidate.key): KeyMade => ({
  is: 'key-made',
  key,
  for: purpose,
  tries: 0,
});
export const sent = (leaf = candidate): Sent => ({ is: 'sent', ...issued, leaf });
/** `waits`, in the moment when it is asked for again. */
export const again: Sent = { ...sent(), tries: 1, last: rest.failure };
export const assigned = (leaf = candidate): Assigned => ({ is: 'assigned', ...issued, leaf, assignment: hub });
export const unwanted = (leaf = candidate): Unwanted => ({
  is: 'unwanted',
  ...issued,
  leaf,
  tries: 1,
  rest,
  because: 'refused',
});

export const met = (failure: Failure): Hindrance => ({ failure, at: NOW });
