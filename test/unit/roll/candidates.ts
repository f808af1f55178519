import type { Failure } from '../../../agent/failure/failure.ts';
import type { Candidate, Purpose } from '../../../agent/roll/candidate.ts';
import type { KeyRef } from '../../../agent/roll/leaf.ts';
import type { Hindrance } from '../../../agent/roll/state.ts';
import { NOW } from './machine.ts';
import { candidate, rest } from './standing.ts';

/* The candidate on its way; `waits` of standing.ts is one that is parked. */

const of = (is: Candidate['is'], key: KeyRef, purpose: Purpose = 'roll'): Candidate => ({
  is,
  key,
  for: purpose,
  tries: 0,
});

export const wanted = (purpose?: Purpose): Candidate => of('key-wanted', candidate.key, purpose);
export const made = (purpose?: Purpose, key = candidate.key): Candidate => of('key-made', key, purpose);
export const sent = (leaf = candidate): Candidate => ({ ...of('sent', leaf.key), leaf });
/** `waits`, in the moment when it is asked for again. */
export const again: Candidate = { ...sent(), tries: 1, met: rest.failure };
export const assigned = (leaf = candidate): Candidate => ({ ...sent(leaf), is: 'assigned' });
export const unwanted = (leaf = candidate): Candidate => ({
  ...sent(leaf),
  is: 'unwanted',
  tries: 1,
  rest,
  met: rest.failure,
  unwanted: 'key-lost',
});

export const met = (failure: Failure): Hindrance => ({ failure, at: NOW });
