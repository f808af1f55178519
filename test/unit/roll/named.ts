import assert from 'node:assert/strict';
import { advance as advanceBy } from '../../../agent/roll/advance.ts';
import type { RollEvent, RollState, Step } from '../../../agent/roll/state.ts';
import { terms } from './machine.ts';
import type { World } from './world.ts';

const NAMES: readonly string[] = ['g0', 'g1', 'g2', 'g3', 'g4', 'g5', 'g6', 'g7', 'g8', 'g9'];

/** The machine in the walk, where generations have short names: each key gets one that nothing else has. */
export function advance(before: RollState, event: RollEvent, world: World): Step {
  const step = advanceBy(before, event, terms);
  const { next } = step.state;
  if (next?.intended === undefined || NAMES.includes(next.intended)) return step;
  const used = JSON.stringify([step.state, world]);
  const intended = NAMES.find((name) => !used.includes(name)) ?? assert.fail('the walk has too few names');
  return { ...step, state: { ...step.state, next: { ...next, intended } } };
}
