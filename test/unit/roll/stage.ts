import assert from 'node:assert/strict';
import { type Advanced, advance } from '../../../agent/roll/core/advance.ts';
import type { Circumstances, Memory } from '../../../agent/roll/core/memory.ts';
import { isSame, type Plan, plan } from '../../../agent/roll/core/plan.ts';
import type { AskName } from '../../../agent/roll/core/row.ts';
import type { Phase } from '../../../agent/roll/phase.ts';
import type { RollEffect, RollEvent, RollState } from '../../../agent/roll/state.ts';
import { circumstances, shown } from './memories.ts';

// The core alone, one event at a time: what it asks is in flight until it is answered.

/** An event before it has its moment. */
export type Told = RollEvent extends infer E ? (E extends RollEvent ? Omit<E, 'at' | 'draw'> : never) : never;

export interface Standing {
  readonly memory: Memory;
  readonly plan: Plan;
  readonly state: RollState;
  readonly c: Circumstances;
  readonly advanced?: Advanced;
}

/** A process that has just planned. */
export function standing(memory: Memory, change: Partial<Circumstances> = {}): Standing {
  const c = circumstances(change);
  const planned = plan(memory, c);
  return { memory, plan: planned, state: shown(memory, change), c: { ...c, flying: flightsOf(planned) } };
}

function flightsOf({ asks, session }: Plan): Circumstances['flying'] {
  const isSession = (effect: RollEffect) => session !== undefined && isSame(effect, session.effect);
  return { work: asks.find((one) => !isSession(one)), session: asks.find(isSession) };
}

/** One event. @param lane that has landed by it */
export function after(
  { memory, c }: Standing,
  told: Told,
  draw = c.draw,
  lane?: keyof Circumstances['flying'],
): Standing {
  const then = { ...c, draw, flying: lane === undefined ? c.flying : { ...c.flying, [lane]: undefined } };
  const event = { ...told, at: c.now, draw, up: c.up } as RollEvent & { up: number };
  const advanced = advance(memory, event, then);
  const flying = flightsOf(advanced.plan);
  return { memory: advanced.memory, plan: advanced.plan, state: advanced.state, c: { ...then, flying }, advanced };
}

/** So many milliseconds pass, and newleaf looks. */
export const later = ({ memory, plan: planned, state, c }: Standing, ms: number): Standing =>
  after({ memory, plan: planned, state, c: { ...c, now: c.now + ms, up: c.up + ms } }, { kind: 'woken' });

/** Time passes until an effect of this kind is in flight. */
export function whenAsked(from: Standing, kind: RollEffect['kind']): Standing {
  let now = from;
  for (let looks = 0; looks < 5; looks += 1) {
    const { work, session } = now.c.flying;
    if (work?.kind === kind || session?.kind === kind) return now;
    const planned = [...now.plan.wanted, ...(now.plan.session ? [now.plan.session] : [])];
    const waits = planned.flatMap(({ effect, wait }) => (effect.kind === kind ? [wait] : []));
    if (waits.length === 0) break;
    now = later(now, Math.max(1, Math.ceil(Math.min(...waits))));
  }
  return assert.fail(`no ${kind} in flight in ${from.state.phase}`);
}

const OF_PHASE: Partial<Record<Phase, AskName>> = {
  registering: 'register current',
  abandoning: 'register current',
  'registering-next': 'register next',
  'connecting-next': 'prove',
  'generating-key': 'make',
  'requesting-leaf': 'issue',
  'retiring-key': 'destroy',
};

/** Phase, its work, and the session that is wanted, in a few words. */
export function briefly({ state: { phase }, plan: { wanted, session } }: Standing): string {
  const work = wanted.find(({ row }) => row === OF_PHASE[phase]);
  return [phase, ...[work, session].flatMap((one) => (one ? [brief(one.effect)] : []))].join(', ');
}

/** An effect in two words: what, and with which leaf or slot. */
function brief(effect: RollEffect): string {
  if (effect.kind === 'generate-key') return `${effect.kind} ${effect.slot}`;
  return `${effect.kind} ${('leaf' in effect ? effect.leaf.key : effect.key).slot}`;
}
