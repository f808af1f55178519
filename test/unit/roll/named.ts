import { type Advance, advance as advanceBy } from '../../../agent/roll/advance.ts';
import type { RollEvent, RollState } from '../../../agent/roll/state.ts';
import { entryOf } from '../../../agent/state/entry.ts';
import { nameFor, type Pair, termsOf } from './pair.ts';

const SHORT = /^g\d+$/;

/** What is on disk: a power cut takes the open session and the counters with it. */
export const reload = (state: RollState): RollState => ({ ...entryOf(state), flaps: 0, unreached: 0 });

/**
 * The machine in the walk. Keys have short names there: each gets one that nothing else has. Where a process ends for its module,
 * the next one has begun.
 */
export function advance(pair: Pair, event: RollEvent): Advance {
  const ended = named(pair, event);
  if (ended.restart !== true) return ended;
  const begun = named({ ...pair, state: reload(ended.state) }, { kind: 'started', at: event.at, draw: 0.5 });
  return { ...begun, restart: true };
}

function named(pair: Pair, event: RollEvent): Advance {
  const step = advanceBy(pair.state, event, termsOf(pair));
  const { next } = step.state;
  if (next?.is !== 'key-wanted' || SHORT.test(next.id)) return step;
  const id = nameFor({ state: { ...step.state, next: { ...next, id: '' } }, world: pair.world }, 'g');
  return { ...step, state: { ...step.state, next: { ...next, id } } };
}
