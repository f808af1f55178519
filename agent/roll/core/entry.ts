import type { RollEffect } from '../state.ts';
import { isRejected } from './knots.ts';
import { type Answer, blank, isKeyless, type Memory, type Question, without } from './memory.ts';

/** What is written: counts of the hub and moments of this process are found out again. */
export type Entry = Omit<Memory, 'online' | 'flaps' | 'end' | 'late' | 'spent'>;

const isDurable = (question: Question, answer: Answer): boolean =>
  answer.verdict === 'accepted' ||
  answer.verdict === 'refused' ||
  answer.lasting === true ||
  question === 'sign' ||
  isKeyless(answer);

/** A hub that does not answer is asked each minute, by each process. */
const isKept = (question: Question, answer: Answer): boolean =>
  !question.startsWith('connect') || isDurable(question, answer);

export function entryOf(memory: Memory): Entry {
  const { answers, ask } = memory;
  // The attempt may reach DPS before a power cut: the next process takes no leaf for one that DPS has never heard of.
  const trusts = memory.trusts.map((one) => without(one, 'isNew'));
  const kept = (Object.entries(answers) as [Question, Answer][]).flatMap(([question, answer]) =>
    isKept(question, answer) ? [[question, without(answer, 'up', 'tries')] as const] : [],
  );
  const entry = without(memory, 'online', 'flaps', 'end', 'late', 'spent', 'ask');
  return { ...entry, trusts, answers: Object.fromEntries(kept), ...(ask && { ask: without(ask, 'heard', 'up') }) };
}

export const memoryOf = (entry: Entry): Memory => ({ ...blank, ...entry });

/** Rungs of a ladder at which its pause outlives a power cut: a supply that fails each few minutes must not begin each ladder anew. */
export const RUNGS: readonly number[] = [3, 5];

/** A process of three minutes signs three times: the count goes on in the next, until the key is lost for sure. */
const SIGNED_EACH = 3;
const SURE = 21;

/** What of an answer must outlive a power cut: of the hub no more than that there is one, and that it refuses for good. */
function gist(question: Question, answer: Answer, memory: Memory): readonly unknown[] {
  const { verdict, times, again, lasting } = answer;
  if (question === 'sign')
    return [question, verdict, Math.floor((lasting ? SURE : Math.min(times, SURE)) / SIGNED_EACH)];
  if (question.startsWith('connect')) {
    const who = question === 'connect next' ? 'next' : 'current';
    return verdict === 'refused' && !isRejected(memory, who) ? [] : [question, verdict];
  }
  if (isDurable(question, answer)) return [question, verdict, again, times];
  const rung = RUNGS.filter((one) => times >= one).length;
  return rung === 0 ? [] : [question, rung];
}

function text(entry: Entry): string {
  const { answers, trail: _, lastSeen: _seen, ...rest } = entry;
  const told = (Object.entries(answers) as [Question, Answer][])
    .map(([question, one]) => gist(question, one, memoryOf(entry)))
    .filter(({ length }) => length > 0);
  return JSON.stringify([rest, told.sort()]);
}

/** A server was seen so much later than the disk says, in milliseconds: sessions that end each minute must not wear out the flash. */
const SEEN_MS = 3_600_000;

/** Whether the disk lacks a fact that must outlive a power cut. */
export function differs(entry: Entry, disk: Entry): boolean {
  // That DPS has not heard of a leaf is no reason to write: a process that takes it for trusted registers once more.
  const isTrusted = entry.trusts.every((one) => disk.trusts.some(({ thumbprint }) => thumbprint === one.thumbprint));
  const told = isTrusted ? { ...entry, trusts: disk.trusts } : entry;
  return Math.abs((entry.lastSeen ?? 0) - (disk.lastSeen ?? 0)) >= SEEN_MS || text(told) !== text(disk);
}

/** Whether an effect may be tried while the disk holds no more than this. */
export function isIntended(effect: RollEffect, disk: Entry | undefined): boolean {
  if (effect.kind === 'register' || effect.kind === 'connect') {
    const { leaf } = effect;
    if (disk?.current === undefined && leaf.key.slot === 'given') return true;
    // That DPS may trust it is written with the intent, where the disk takes that: a process that does not know it is told by the hub.
    return leaf.thumbprint === disk?.current?.thumbprint || leaf.thumbprint === disk?.next?.leaf?.thumbprint;
  }
  if (effect.kind === 'generate-key') return disk?.next?.key.id === effect.id && disk.next.key.slot === effect.slot;
  if (effect.kind === 'request-leaf') return disk?.next?.key.id === effect.key.id && disk.next.isMade === true;
  const { id } = effect.key;
  return disk?.old.some((one) => one.id === id) === true && disk.current?.key.id !== id && disk.next?.key.id !== id;
}
