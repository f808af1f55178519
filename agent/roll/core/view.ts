import type { Failure } from '../../failure/failure.ts';
import type { Candidate, Rest } from '../candidate.ts';
import type { Phase, Retired } from '../phase.ts';
import type { Hindrance, RollState } from '../state.ts';
import { inTheWay } from '../undestroyed.ts';
import { isAccepted, isBarred, isNextLost, isOnline, isRejected, isTrusted, isUnwanted } from './knots.ts';
import type { Answer, Circumstances, Memory } from './memory.ts';
import { DESTROY_TRIES, isTaken } from './pace.ts';
import { type Plan, plan, type Wanted } from './plan.ts';
import { isServed } from './record.ts';
import type { AskName } from './row.ts';

const PHASE: Record<AskName, Phase> = {
  prove: 'connecting-next',
  'register next': 'registering-next',
  'register current': 'registering',
  destroy: 'retiring-key',
  make: 'generating-key',
  issue: 'requesting-leaf',
};

/** It waits for another answer, and not for any. */
function rests(memory: Memory, { question, wait }: Wanted): boolean {
  const told = memory.answers[question];
  // A candidate whose hub may lag DPS is at work.
  if (wait <= 0 || told === undefined || question === 'connect next') return false;
  if (told.verdict !== 'broken') return told.verdict !== 'silent';
  return told.lasting === true || told.failure?.code === 'NL-TOKEN-KEY' || isTaken(question, told, memory);
}

function rowOf(memory: Memory, { work, wanted }: Plan): Wanted | undefined {
  const isToldNow = (one: Wanted) => !rests(memory, one) && !(one.row === 'destroy' && one.wait > 0);
  if (work !== undefined && (work.wait <= 0 || isToldNow(work))) return work;
  return wanted.find(isToldNow);
}

/** DPS trusts a candidate that does not serve. */
export const isGoingBack = (memory: Memory): boolean =>
  isTrusted(memory) && (isUnwanted(memory) || isRejected(memory, 'next'));

export function phaseOf(memory: Memory, plan: Plan): Phase {
  const row = rowOf(memory, plan);
  if (row !== undefined) return row.row === 'register current' && isGoingBack(memory) ? 'abandoning' : PHASE[row.row];
  if (memory.current === undefined) return 'unprovisioned';
  return isBarred(memory) && !isOnline(memory) ? 'stranded' : 'serving';
}

const known = new WeakMap<Answer, Hindrance>();

/** The same trouble is the same object, so that it is told once. */
function troubleOf(answer: Answer | undefined): Hindrance | undefined {
  if (answer?.failure === undefined) return undefined;
  const before = known.get(answer);
  if (before !== undefined) return before;
  const trouble = { failure: answer.failure, at: answer.at };
  known.set(answer, trouble);
  return trouble;
}

/** A key that has served is in the place of the next one: told is what a person can do about it. */
function placeTrouble(memory: Memory, row: Wanted): Hindrance | undefined {
  const told = memory.answers[row.question];
  const { effect } = row;
  const { next } = memory;
  if (effect.kind !== 'destroy-key' || next === undefined || told?.failure === undefined) return troubleOf(told);
  const isNeeded = !next.isMade && next.key.slot === effect.key.slot;
  if (!isNeeded || told.times < DESTROY_TRIES) return troubleOf(told);
  const before = known.get(told);
  const failure = inTheWay(next.because === undefined ? 'delivery' : 'roll', effect.key, told.failure);
  const trouble = before ?? { failure, at: told.at };
  known.set(told, trouble);
  return trouble;
}

/** Of a gateway whose daemon does not run: nothing is in flight, and no settings are known. */
export function recorded(memory: Memory, now: number): RollState {
  const terms = {
    attestation: 'x509',
    trust: 'leaf',
    automatic: true,
    keepKey: false,
    renewAt: 'off',
    builtAt: 0,
  } as const;
  const of = { requestsPerHour: 1, burst: 1, minRollIntervalMs: 0, registered: memory.registered ?? '' };
  const c = { now, up: 0, age: 0, draw: 0.5, terms: { ...terms, ...of }, flying: {} };
  return view(memory, plan(memory, c), c);
}

/** The memory as readers of today's machine see it. */
export function view(memory: Memory, plan: Plan, c: Circumstances): RollState {
  const { answers, current, at, ask, old, end } = memory;
  const phase = phaseOf(memory, plan);
  // What rests is waited for as well: a candidate tells its own, and a key that is left alone as well.
  const isWaitedFor = ({ row: name, question }: Wanted) =>
    name === 'register current' || (name === 'destroy' && (answers[question]?.times ?? 0) < DESTROY_TRIES);
  const row = rowOf(memory, plan) ?? plan.wanted.find(isWaitedFor);
  const work =
    row && (row.question.startsWith('register') ? troubleOf(workAnswer(memory, row)) : placeTrouble(memory, row));
  const session = isServed(memory)
    ? undefined
    : (troubleOf(answers['connect current']) ?? (end && { failure: end.failure, at: end.at }));
  const next = candidateOf(memory, plan, c);
  const probe = phase === 'stranded' ? soonest(plan) : undefined;
  return {
    phase,
    ...(current && { current }),
    ...(next && { next }),
    ...(at.current && { assignment: at.current }),
    retire: old.map((one): Retired => retiredOf(one, answers[`destroy ${one.id}`], memory)),
    rejected: isRejected(memory, 'current'),
    ...graceOf(memory),
    unproven: 0,
    ...(phase === 'stranded' && { stranded: true as const }),
    ...(probe !== undefined && { probe: { times: 1, askAt: Math.round(c.now + probe) } }),
    ...(memory.alarm && { alarm: memory.alarm }),
    ...(work && { workTrouble: work }),
    ...(session && { sessionTrouble: session }),
    ...(memory.poisoned && { poisoned: memory.poisoned }),
    ...(ask && { request: ask.request }),
    ...(memory.scheduled && { scheduled: memory.scheduled }),
    outcomes: memory.outcomes,
    ...(memory.registered !== undefined && { registered: memory.registered }),
    budget: memory.budget,
    ...(memory.lastRollAt !== undefined && { lastRollAt: memory.lastRollAt }),
    ...(memory.lastSeen !== undefined && { lastSeen: memory.lastSeen }),
    trail: memory.trail,
    ...(memory.online !== undefined && { online: memory.online }),
    flaps: memory.flaps,
    unreached: 0,
  };
}

/** Refusals by the hub since DPS said "assigned". */
function graceOf(memory: Memory): Pick<RollState, 'grace'> {
  const { at, answers } = memory;
  const who = at.next !== undefined ? 'next' : 'current';
  const told = answers[`connect ${who}`];
  return isAccepted(memory, who) ? { grace: told?.verdict === 'refused' ? told.times : 0 } : {};
}

/** The silence of DPS is one for both leaves. */
const workAnswer = ({ answers }: Memory, { question }: Wanted): Answer | undefined =>
  answers[question]?.verdict === 'accepted' ? undefined : (answers[question] ?? answers.dps);

const soonest = ({ wanted }: Plan): number | undefined =>
  wanted.length === 0 ? undefined : Math.min(...wanted.map(({ wait }) => wait));

function retiredOf(
  { slot, id, isRemembered }: Memory['old'][number],
  told: Answer | undefined,
  { trusts }: Memory,
): Retired {
  if (isRemembered || trusts.some(({ keyId }) => keyId === id)) return { slot, id, is: 'remembered' };
  if (told !== undefined && told.times >= 5) return { slot, id, is: 'undestroyed', againAt: told.at + 24 * 3_600_000 };
  return { slot, id, is: 'pending', tries: told?.times ?? 0 };
}

function candidateOf(memory: Memory, plan: Plan, c: Circumstances): Candidate | undefined {
  const { next, answers, at } = memory;
  if (next === undefined) return undefined;
  const row = rowOf(memory, plan);
  const waitOf = (name: AskName) => plan.wanted.find((one) => one.row === name)?.wait ?? 0;
  const restIn = (name: AskName, told: Answer | undefined): Rest | undefined =>
    told?.failure === undefined
      ? undefined
      : { failure: told.failure, askAt: Math.round(c.now + Math.max(0, waitOf(name))) };
  if (next.leaf === undefined) {
    const purpose = next.because !== undefined ? 'roll' : next.isForPerson ? 'delivery' : 'spare';
    const name = next.isMade ? 'issue' : 'make';
    const told = answers[name];
    const isResting = row?.row !== name && told?.verdict !== 'silent';
    const rest = isResting ? restIn(name, told) : undefined;
    const alone = {
      for: purpose,
      tries: told?.times ?? 0,
      ...(next.isSecond && { isSecond: true as const }),
      ...(rest && { rest }),
    } as const;
    if (next.isMade) return { is: 'key-made', key: next.key, ...alone };
    return { is: 'key-wanted', slot: next.key.slot === 'b' ? 'b' : 'a', id: next.key.id, ...alone };
  }
  const { leaf, from = 'issuer' } = next;
  const { 'register next': registered, 'connect next': proven } = answers;
  // What was met last.
  const isOfHub = isRejected(memory, 'next') && !(registered?.failure && proven && registered.at > proven.at);
  const told = isOfHub ? proven : registered;
  const issued = { leaf, from, tries: answers['register next']?.times ?? 0 };
  const rest = restIn('register next', told) ?? { failure: SILENT, askAt: c.now };
  if (isUnwanted(memory))
    return {
      is: 'unwanted',
      ...issued,
      rest,
      because: isNextLost(memory) ? 'key-lost' : next.isDiscarded ? 'discarded' : 'refused',
    };
  if (at.next !== undefined && !isRejected(memory, 'next')) return { is: 'assigned', ...issued, assignment: at.next };
  const isAtWork = row?.row === 'register next' || told === undefined || told.failure === undefined;
  if (isAtWork) return { is: 'sent', ...issued, ...(told?.failure && { last: told.failure }) };
  return { is: 'parked', ...issued, rest, trust: isTrusted(memory) ? 'possible' : 'refused' };
}

const SILENT = { kind: 'transient', code: 'NL-DPS-TIMEOUT', message: '', advice: '' } as unknown as Failure;
