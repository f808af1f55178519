import type { Answer, Memory, Question } from '../../agent/roll/core/memory.ts';
import type { Pair } from './pair.ts';
import { wokenAt } from './step.ts';

// A pair at its worst: each answer has just come, and its ladder is at the last rung.

/** More than any ladder has. */
const RUNGS = 9;
const LATEST = 0.999;

/** Whether newleaf waits for the next moment of any question. */
export const canPause = ({ memory }: Pair): boolean =>
  Object.values(memory.answers).some((told) => told !== undefined && told.verdict !== 'accepted');

/** A count that is compared keeps its side. */
function rungsOf(question: Question, { verdict, times, failure }: Answer): number {
  const isCompared = question === 'sign' || question.startsWith('destroy') || failure?.code === 'NL-TOKEN-KEY';
  if (isCompared || verdict === 'accepted') return times;
  if (question.startsWith('connect')) return verdict === 'silent' ? Math.max(times, RUNGS) : times;
  return Math.max(times, RUNGS);
}

/** The same pair where each answer is as new as the order of all allows, and ladders of the past are used up. */
export function inPause(pair: Pair): Pair {
  const { memory, at, up } = pair;
  const { ask } = memory;
  const asked = Object.entries(memory.answers) as [Question, Answer][];
  // An answer of the moment of the request counts as one that came after it.
  const moments = [...asked.map(([, told]) => told.at), ...(ask ? [ask.request.at - 0.5] : [])].toSorted(
    (one, two) => one - two,
  );
  const ago = (moment: number) => moments.length - moments.indexOf(moment);
  const answers = asked.map(([question, told]) => {
    const late = { ...told, times: rungsOf(question, told), at: at - ago(told.at), draw: LATEST };
    return [question, told.up === undefined ? late : { ...late, up: up - ago(told.at) }] as const;
  });
  const worst: Memory = {
    ...memory,
    answers: Object.fromEntries(answers),
    ...(ask && { ask: { ...ask, request: { ...ask.request, at: at - ago(ask.request.at - 0.5) } } }),
  };
  return wokenAt({ ...pair, memory: worst }, at);
}
