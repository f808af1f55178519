import { type Failure, failure } from '../../failure/failure.ts';
import { LONGEST_MS } from '../backoff.ts';
import { isCredible } from '../terms.ts';
import { needsPerson } from '../wrong.ts';
import type { Circumstances, Memory } from './memory.ts';
import type { Plan, Wanted } from './plan.ts';
import { isServed } from './record.ts';
import { view } from './view.ts';

/**
 * The law of ends, asked after each plan: newleaf serves, or a way has its moment within 75 minutes, or a person is named.
 * @returns why it does not hold: a defect of newleaf, as the rows are to leave no such memory
 */
export function noWay(memory: Memory, plan: Plan, c: Circumstances): Failure | undefined {
  const isAtWork = plan.asks.length > 0 || c.flying.work !== undefined || c.flying.session !== undefined;
  // By a clock that is wrong nothing is planned; that is told, and each minute looked at.
  if (isServed(memory) || isAtWork || !isCredible(memory, c.terms, c.now)) return undefined;
  const { session, wanted } = plan;
  const waits = [
    ...wanted.filter((one) => isWay(memory, one)).map(({ wait }) => wait),
    ...(session ? [session.wait] : []),
  ];
  if (waits.some((wait) => wait <= LONGEST_MS) || needsPerson(view(memory, plan, c), c.terms, c.now)) return undefined;
  const next = Math.min(...waits, Number.POSITIVE_INFINITY);
  const when = next === Number.POSITIVE_INFINITY ? 'at no time' : `in ${Math.round(next / 60_000)} minutes`;
  return failure('NL-NO-WAY', { message: `newleaf does not serve, and would try to ${when}.` });
}

/** To destroy a key is a way where the next one needs its place. */
const isWay = ({ next }: Memory, { effect }: Wanted): boolean =>
  effect.kind !== 'destroy-key' || (next !== undefined && !next.isMade && effect.key.slot === next.key.slot);
