import assert from 'node:assert/strict';
import { failure } from '../../../agent/failure/failure.ts';
import { advance } from '../../../agent/roll/advance.ts';
import { type Leaf, placeOf } from '../../../agent/roll/leaf.ts';
import { without } from '../../../agent/roll/moves.ts';
import type { Phase } from '../../../agent/roll/phase.ts';
import {
  effectsOf,
  type RollEffect,
  type RollEvent,
  type RollState,
  session,
  unprovisioned,
} from '../../../agent/roll/state.ts';
import { hub, LATER, leafOf, NOW, terms } from './machine.ts';
import { candidate, current, request } from './standing.ts';

const now = { at: NOW, draw: 0.5 } as const;
/** The leaf after the candidate: nobody waits for it. */
const stranger = leafOf('g9', 'b');
export const OUTAGE = failure('NL-DPS-UNREACHABLE');
export const REFUSAL = failure('NL-DPS-401002');

const serving: RollState = {
  ...unprovisioned,
  phase: 'serving',
  current,
  assignment: hub,
  registered: terms.registered,
  online: session(current, hub),
};
const rolling: RollState = { ...serving, request: request('roll') };
const issued = { leaf: candidate, from: 'issuer', tries: 0 } as const;
const alone = { for: 'roll', tries: 0 } as const;

/** A gateway in each phase, as the journal would have it in the middle of a planned roll with an open session. */
export const SITUATIONS: Record<Phase, RollState> = {
  unprovisioned,
  serving,
  registering: { ...serving, request: request('re-register'), ask: true },
  'generating-key': { ...rolling, next: { is: 'key-wanted', slot: 'b', id: 'g1', ...alone } },
  'requesting-leaf': { ...rolling, next: { is: 'key-made', key: candidate.key, ...alone } },
  'registering-next': { ...rolling, next: { is: 'sent', ...issued } },
  'connecting-next': { ...rolling, next: { is: 'assigned', ...issued, assignment: hub } },
  'retiring-key': {
    ...serving,
    current: candidate,
    online: session(candidate, hub),
    retire: [{ ...current.key, is: 'pending', tries: 0 }],
  },
  abandoning: {
    ...rolling,
    next: { is: 'unwanted', ...issued, tries: 1, rest: { failure: REFUSAL, askAt: NOW }, because: 'refused' },
  },
  stranded: {
    ...without(serving, 'online'),
    phase: 'stranded',
    stranded: true,
    rejected: true,
    probe: { times: 1, askAt: NOW + 3_600_000 },
  },
};
for (const [phase, state] of Object.entries(SITUATIONS) as [Phase, RollState][])
  SITUATIONS[phase] = { ...state, phase };

const asked = (action: 're-register' | 'roll', discard = false): RollEvent => ({
  ...now,
  kind: 'asked',
  request: request(action),
  delayMs: 0,
  discard,
});
const registered = (thumbprint: string): RollEvent => ({
  ...now,
  kind: 'registered',
  thumbprint,
  assignment: hub,
  as: terms.registered,
});
const delivered = (leaf: Leaf): RollEvent => ({ ...now, kind: 'leaf-delivered', leaf, request: request('roll') });
const connected = (thumbprint: string): RollEvent => ({ ...now, kind: 'connected', thumbprint, hub: placeOf(hub) });
const lost = (thumbprint: string): RollEvent => ({
  ...now,
  kind: 'lost',
  thumbprint,
  heldMs: 600_000,
  failure: OUTAGE,
});

/** Every kind of event; what failed is what the situation has in flight. */
export const EVENTS: Readonly<Record<string, (state: RollState) => RollEvent | undefined>> = {
  started: () => ({ ...now, kind: 'started' }),
  woken: () => ({ ...now, kind: 'woken' }),
  'woken later': () => ({ ...now, at: LATER, kind: 'woken' }),
  're-register': () => asked('re-register'),
  roll: () => asked('roll'),
  'roll --discard': () => asked('roll', true),
  csr: () => ({ ...now, kind: 'csr-asked', newKey: false, sameKey: false, from: 'technician' }),
  'csr --new-key': () => ({ ...now, kind: 'csr-asked', newKey: true, sameKey: false, from: 'technician' }),
  'key generated': () => ({ ...now, kind: 'key-generated', key: candidate.key }),
  'leaf issued': () => ({ ...now, kind: 'leaf-issued', leaf: candidate }),
  'leaf delivered': () => delivered(candidate),
  'leaf delivered for the current key': (state) =>
    state.current && delivered({ ...state.current, thumbprint: 'T-renewed' }),
  'current registered': () => registered(current.thumbprint),
  'next registered': () => registered(candidate.thumbprint),
  'stranger registered': () => registered(stranger.thumbprint),
  'current connected': () => connected(current.thumbprint),
  'next connected': () => connected(candidate.thumbprint),
  'stranger connected': () => connected(stranger.thumbprint),
  'old key destroyed': () => ({ ...now, kind: 'key-destroyed', id: current.key.id }),
  'other key destroyed': () => ({ ...now, kind: 'key-destroyed', id: stranger.key.id }),
  outage: (state) => failedWith(state, OUTAGE),
  refusal: (state) => failedWith(state, REFUSAL),
  'hub refuses current': () => ({
    ...now,
    kind: 'failed',
    effect: { kind: 'connect', leaf: current, assignment: hub },
    failure: REFUSAL,
  }),
  'session lost': (state) => lost(state.current?.thumbprint ?? current.thumbprint),
  'other session lost': () => lost(stranger.thumbprint),
};

function failedWith(state: RollState, failed: typeof OUTAGE): RollEvent | undefined {
  const [effect] = effectsOf(state);
  return effect && { ...now, kind: 'failed', effect, failure: failed };
}

/** An effect in two words: what, and with which leaf or slot. */
function brief(effect: RollEffect): string {
  switch (effect.kind) {
    case 'generate-key':
      return `generate-key ${effect.slot}`;
    case 'request-leaf':
    case 'destroy-key':
      return `${effect.kind} ${effect.key.slot}`;
    default:
      return `${effect.kind} ${effect.leaf.key.slot}`;
  }
}

/** Plays events by name, one after another. */
export function play(state: RollState, ...names: readonly string[]): RollState {
  return names.reduce((at, name) => {
    const event = EVENTS[name]?.(at);
    assert.ok(event, `${name} cannot happen in ${at.phase}`);
    return advance(at, event, terms).state;
  }, state);
}
/** The same event several times. */
export const times = (count: number, name: string): readonly string[] => Array.from({ length: count }, () => name);

/** Phase and effects in a few words. */
export const briefly = (state: RollState) => [state.phase, ...effectsOf(state).map(brief)].join(', ');
