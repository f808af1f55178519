import { type Code, failure } from '../../../agent/failure/failure.ts';
import {
  type Answer,
  blank,
  type Circumstances,
  type Generation,
  type Memory,
  type Trusted,
} from '../../../agent/roll/core/memory.ts';
import { plan } from '../../../agent/roll/core/plan.ts';
import { view } from '../../../agent/roll/core/view.ts';
import type { Leaf } from '../../../agent/roll/leaf.ts';
import type { Phase } from '../../../agent/roll/phase.ts';
import { type Reason, type RollState, session } from '../../../agent/roll/state.ts';
import { HOUR, hub, NOW, terms } from './machine.ts';
import { candidate, current, request } from './standing.ts';

export const REFUSAL = failure('NL-DPS-401002');
export const OUTAGE = failure('NL-DPS-UNREACHABLE');

/** A process that has run for an hour. */
export const circumstances = (change: Partial<Circumstances> = {}): Circumstances => ({
  now: NOW,
  up: HOUR,
  age: HOUR,
  draw: 0.5,
  terms,
  flying: {},
  ...change,
});

/** An answer that came at this moment. */
export const answer = (verdict: Answer['verdict'], code?: Code, change: Partial<Answer> = {}): Answer => ({
  verdict,
  ...(code && { failure: failure(code) }),
  times: 1,
  at: NOW,
  up: HOUR,
  draw: 0.5,
  ...change,
});

export const trusted = ({ thumbprint, key }: Leaf): Trusted => ({ thumbprint, keyId: key.id });

/* The generation on its way. */

export const named = (because: Reason = 'asked'): Generation => ({ key: candidate.key, because });
export const made = (because: Reason = 'asked', key = candidate.key): Generation => ({ key, because, isMade: true });
export const forPerson: Generation = { key: candidate.key, isMade: true, isForPerson: true };
export const leafed = (leaf = candidate): Generation => ({ ...made(), key: leaf.key, leaf, from: 'issuer' });

/** A gateway that has served, and has no session. */
export const served: Memory = {
  ...blank,
  current,
  at: { current: hub },
  trusts: [trusted(current)],
  registered: terms.registered,
};
export const serving: Memory = { ...served, online: session(current, hub) };
const rolling: Memory = { ...serving, ask: { request: request('roll') } };

/** The candidate that DPS refuses. */
export const parked: Memory = {
  ...serving,
  next: leafed(),
  answers: { 'register next': answer('refused', 'NL-DPS-401002') },
};

/** A gateway in each phase, as the journal would have it in the middle of a planned roll with an open session. */
export const MEMORIES: Readonly<Record<Phase, Memory>> = {
  unprovisioned: blank,
  serving,
  registering: { ...serving, ask: { request: request('re-register') } },
  'generating-key': { ...rolling, next: named() },
  'requesting-leaf': { ...rolling, next: made() },
  'registering-next': { ...rolling, next: leafed(), trusts: [trusted(current), trusted(candidate)] },
  'connecting-next': {
    ...rolling,
    next: leafed(),
    at: { current: hub, next: hub },
    trusts: [trusted(candidate)],
    answers: { 'register next': answer('accepted') },
  },
  'retiring-key': {
    ...serving,
    current: candidate,
    online: session(candidate, hub),
    trusts: [trusted(candidate)],
    old: [current.key],
  },
  abandoning: {
    ...rolling,
    next: leafed(),
    at: { current: hub, next: hub },
    trusts: [trusted(candidate)],
    answers: {
      'register next': answer('accepted'),
      'connect next': answer('refused', 'NL-HUB-REJECTED', { times: 10 }),
    },
  },
  stranded: {
    ...served,
    answers: {
      'register current': answer('refused', 'NL-DPS-401002'),
      'connect current': answer('refused', 'NL-HUB-REJECTED'),
    },
  },
};

/** As its readers see it. */
export function shown(memory: Memory, change: Partial<Circumstances> = {}): RollState {
  const c = circumstances(change);
  return view(memory, plan(memory, c), c);
}

export const SITUATIONS = Object.fromEntries(
  Object.entries(MEMORIES).map(([phase, memory]) => [phase, shown(memory)]),
) as Readonly<Record<Phase, RollState>>;
