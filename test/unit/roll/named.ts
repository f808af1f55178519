import { advance as advanceBy } from '../../../agent/roll/advance.ts';
import type { RollEvent, Step } from '../../../agent/roll/state.ts';
import { nameFor, type Pair, termsOf } from './pair.ts';

const SHORT = /^g\d+$/;

/** The machine in the walk, where keys have short names: each gets one that nothing else has. */
export function advance(pair: Pair, event: RollEvent): Step {
  const step = advanceBy(pair.state, event, termsOf(pair));
  const { next } = step.state;
  if (next?.is !== 'key-wanted' || SHORT.test(next.id)) return step;
  const id = nameFor({ state: { ...step.state, next: { ...next, id: '' } }, world: pair.world }, 'g');
  return { ...step, state: { ...step.state, next: { ...next, id } } };
}
