import type { Failure } from '../../failure/failure.ts';
import { inTheWay } from '../undestroyed.ts';
import { inPlace } from './knots.ts';
import type { Memory } from './memory.ts';
import { DESTROY_TRIES } from './pace.ts';

/** The token keeps a key that has served, and the next one needs its place: told is what a person can do about it. */
export function blockage(memory: Memory): Failure | undefined {
  const { next, old, answers } = memory;
  const key = old.find(({ id }) => `destroy ${id}` === inPlace(memory));
  const told = key && answers[`destroy ${key.id}`];
  if (key === undefined || told?.failure === undefined || told.times < DESTROY_TRIES) return undefined;
  return inTheWay(next?.because === undefined ? 'delivery' : 'roll', key, told.failure);
}
