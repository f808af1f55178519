import type { RollEvent } from '../state.ts';
import { type Answer, type Circumstances, type Memory, type Question, questionOf, without } from './memory.ts';

// A technician asks, or the clock was set: what was answered before, or to what was sent before, is no answer.

const isByPerson = (event: RollEvent): boolean =>
  ('request' in event ? event.request.from : 'from' in event && event.from) === 'technician';

const isStepped = (event: RollEvent): boolean => event.kind === 'woken' && event.isStepped === true;

/** What an event makes worth asking again, and which of the questions that are out were sent before it. */
export function anew(before: Memory, told: Memory, event: RollEvent, { flying }: Circumstances): Memory {
  const question = event.kind === 'failed' ? questionOf(before, event.effect) : undefined;
  const isLate = question !== undefined && before.late?.includes(question) === true;
  const isAnswered = (one: Question) =>
    one === question || (one === 'dps' && question?.startsWith('register') === true);
  const heard = isStepped(event) ? again(told) : isLate ? again(told, isAnswered) : told;
  const out = [flying.work, flying.session].flatMap((effect) => (effect && questionOf(told, effect)) ?? []);
  const late = isByPerson(event) || isStepped(event) ? out : out.filter((one) => before.late?.includes(one));
  if (late.length > 0) return { ...heard, late };
  return heard.late === undefined ? heard : without(heard, 'late');
}

/** At once, but not what the far side has put off. */
function again(memory: Memory, isMeant = (_: Question): boolean => true): Memory {
  const isPutOff = ({ verdict, failure }: Answer) =>
    verdict === 'accepted' || (failure?.retryAfterMs !== undefined && failure.code !== 'NL-LEAF-NOT-YET');
  const answers = (Object.entries(memory.answers) as [Question, Answer][]).map(([question, one]) => [
    question,
    isPutOff(one) || !isMeant(question) ? one : { ...one, again: true },
  ]);
  return { ...memory, answers: Object.fromEntries(answers) };
}
