import type { Request } from '../state.ts';
import { isOnline } from './knots.ts';
import { type Answer, type Asked, type Circumstances, isSince, type Memory, without } from './memory.ts';
import { ended } from './record.ts';

// What is in flight for an asker, and what makes room for another.

/** A request begins; one of newleaf's own yields to it. */
export function begins(memory: Memory, ask: Asked, { now, up }: Circumstances): Memory {
  const { request } = ask;
  const rolled = request.action === 'roll' && memory.current !== undefined ? { lastRollAt: now } : {};
  return { ...memory, ...rolled, ask: { ...ask, up } };
}

/** Two requests on one identity would undo each other; one that gets no answer makes room. */
export function isBusy({ ask, answers }: Memory, { from, action }: Request): boolean {
  if (ask === undefined) return false;
  // A roll goes on for each asker.
  if (ask.request.action === 'roll' && action === 'roll') return true;
  if (ask.request.from === 'newleaf') return false;
  const isStuck = met(answers, ask) !== undefined;
  return !(isStuck && (from === 'technician' || action === 're-register'));
}

/** What it has met since, and that was no answer. */
function met(answers: Memory['answers'], ask: Asked): Answer | undefined {
  return Object.values(answers).find(
    (one) => (one?.verdict === 'silent' || one?.verdict === 'broken') && isSince(one, ask),
  );
}

/** What was in flight for another makes room. */
export function roomIn(memory: Memory, now: number, isDiscarded = false): Memory {
  const { ask, answers } = memory;
  if (ask === undefined || ask.request.from === 'newleaf') return without(memory, 'ask');
  return ended(memory, now, isDiscarded || !isOnline(memory) ? 'failed' : 'kept', met(answers, ask)?.failure);
}
