import type { Failure } from '../../failure/failure.ts';
import type { Candidate, Rest } from '../candidate.ts';
import type { Phase, Retired } from '../phase.ts';
import type { Hindrance, RollState } from '../state.ts';
import { blockage } from './blockage.ts';
import {
  inPlace,
  isAccepted,
  isBarred,
  isDenied,
  isKeyLost,
  isNextLost,
  isOnline,
  isRejected,
  isTrusted,
  isUnwanted,
} from './knots.ts';
import { type Answer, ageOf, type Circumstances, isKeyless, isNewer, isSince, type Memory } from './memory.ts';
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
function rests(memory: Memory, { row, question, wait }: Wanted): boolean {
  const told = memory.answers[question];
  // A candidate whose hub may lag DPS is at work.
  if (wait <= 0 || told === undefined || told.again || question === 'connect next') return false;
  if (row === 'destroy') return told.times >= DESTROY_TRIES;
  if (told.verdict !== 'broken') return told.verdict !== 'silent';
  return told.lasting === true || isKeyless(told) || isTaken(question, told, memory);
}

function rowOf(memory: Memory, { work, wanted }: Plan): Wanted | undefined {
  const isToldNow = (one: Wanted) => !rests(memory, one);
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

/** The same trouble is the same object, so that it is told once. It names the request that was in flight when it was met. */
function troubleOf({ ask }: Memory, answer: Answer | undefined, failure = answer?.failure): Hindrance | undefined {
  if (answer === undefined || failure === undefined) return undefined;
  const before = known.get(answer);
  if (before !== undefined) return before;
  const { at } = answer;
  const trouble = { failure, at, ...(ask && isSince(answer, ask) && { request: ask.request.id }) };
  known.set(answer, trouble);
  return trouble;
}

/** Of a key that has served, and is in the place of the next one: told is what a person can do about it. */
function placeTrouble(memory: Memory, { question }: Wanted): Hindrance | undefined {
  const told = memory.answers[question];
  return troubleOf(memory, told, (question === inPlace(memory) && blockage(memory)) || told?.failure);
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

const TOLD_MS = 3_600_000;
/** A longer pause is told with its end, in milliseconds. */
const NAMED_MS = 5 * 60_000;

/** The memory as readers see it. */
export function view(memory: Memory, plan: Plan, c: Circumstances): RollState {
  const { answers, current, at, ask, old, end } = memory;
  const phase = phaseOf(memory, plan);
  // What rests is waited for as well: beside a current leaf a candidate tells its own, and so does a key that is in nothing's way.
  const isWaitedFor = ({ row: name, question }: Wanted) =>
    current === undefined || name === 'register current' || (name === 'destroy' && question === inPlace(memory));
  const row = rowOf(memory, plan) ?? plan.wanted.find(isWaitedFor);
  const work =
    row &&
    (row.question.startsWith('register') ? troubleOf(memory, workAnswer(memory, row)) : placeTrouble(memory, row));
  // Nothing is asked again where the session is open: what a request met is its outcome, and a trouble only for an hour.
  const denied = isDenied(memory, 'current') ? answers['register current'] : undefined;
  const refused = denied && ageOf(denied, c) < TOLD_MS ? troubleOf(memory, denied) : undefined;
  // What a candidate has met is told with it.
  const workTrouble = row?.row === 'register next' ? (refused ?? work) : (work ?? refused);
  // There is none as DPS assigns no hub, or as the token does not sign what is to be registered.
  const isUnregistered =
    isBarred(memory) && (at.current === undefined || answers['register current']?.verdict === 'broken');
  const unopened = answers[isUnregistered ? 'register current' : 'connect current'];
  const session = isServed(memory)
    ? undefined
    : (troubleOf(memory, unopened) ?? (end && { failure: end.failure, at: end.at }));
  const next = candidateOf(memory, plan, c);
  const probe = phase === 'stranded' ? soonest(plan) : undefined;
  const { wait: pause = 0 } = (work ? row : workTrouble ? undefined : session && plan.session) ?? {};
  return {
    phase,
    ...(current && { current }),
    ...(next && { next }),
    ...(at.current && { assignment: at.current }),
    retire: old.map((one): Retired => retiredOf(one, answers[`destroy ${one.id}`], memory)),
    rejected: isRejected(memory, 'current'),
    ...graceOf(memory),
    ...(phase === 'stranded' && { stranded: true as const }),
    ...(probe !== undefined && { probe: { askAt: Math.round(c.now + probe) } }),
    ...(isKeyLost(memory) && { isKeyLost: true as const }),
    ...(memory.alarm && { alarm: memory.alarm }),
    ...(workTrouble && { workTrouble }),
    ...(pause > NAMED_MS && { askAt: Math.round(c.now + pause) }),
    ...(session && { sessionTrouble: session }),
    ...(ask && { request: ask.request }),
    ...(memory.scheduled && { scheduled: memory.scheduled }),
    outcomes: memory.outcomes,
    ...(memory.registered !== undefined && { registered: memory.registered }),
    ...(memory.lastSeen !== undefined && { lastSeen: memory.lastSeen }),
    trail: memory.trail,
    flaps: memory.flaps,
    ...(memory.online !== undefined && { online: memory.online }),
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
  return { slot, id, is: (told?.times ?? 0) >= DESTROY_TRIES ? 'undestroyed' : 'pending' };
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
    const isAwaited = next.isForPerson && !(next.isMade && next.because !== undefined);
    const purpose = isAwaited ? 'delivery' : next.because !== undefined ? 'roll' : 'spare';
    const place = inPlace(memory);
    const blocked = place && answers[place];
    const isBlocked = blocked !== undefined && blocked.times >= DESTROY_TRIES;
    const name = next.isMade ? 'issue' : isBlocked ? 'destroy' : 'make';
    const told = name === 'destroy' ? blocked : answers[name];
    // Nothing waits for a spare key, and what a person brings for no issuer.
    const isWaiting = purpose === 'roll' || (isAwaited && !next.isMade);
    const isResting = isWaiting && row?.row !== name && told?.verdict !== 'silent';
    const rest = isResting ? restIn(name, told) : undefined;
    const is = next.isMade ? 'key-made' : 'key-wanted';
    return { is, key: next.key, for: purpose, tries: told?.times ?? 0, ...(rest && { rest, met: rest.failure }) };
  }
  const { leaf, key } = next;
  const { 'register next': registered, 'connect next': proven } = answers;
  // What was met last.
  const isOfHub = isRejected(memory, 'next') && !(registered?.failure && proven && isNewer(registered, proven));
  const told = isOfHub ? proven : registered;
  const issued = { key, leaf, for: 'roll', tries: registered?.times ?? 0 } as const;
  const rest = restIn('register next', told) ?? { failure: SILENT, askAt: c.now };
  if (isUnwanted(memory)) {
    const unwanted = isNextLost(memory) ? 'key-lost' : 'discarded';
    const { 'register current': back } = answers;
    // A token that does not sign for the current leaf keeps it there.
    const met = unwanted === 'key-lost' ? rest.failure : back?.lasting ? back.failure : undefined;
    return { is: 'unwanted', ...issued, rest, unwanted, ...(met && { met }) };
  }
  const isWithHub = row?.row === 'prove' || (row?.row !== 'register next' && registered?.failure === undefined);
  if (at.next !== undefined && !isRejected(memory, 'next') && isWithHub) return { is: 'assigned', ...issued };
  const isAtWork = row?.row === 'register next' || told === undefined || told.failure === undefined;
  if (isAtWork) return { is: 'sent', ...issued, ...(told?.failure && { met: told.failure }) };
  return { is: 'parked', ...issued, rest, met: rest.failure };
}

const SILENT = { kind: 'transient', code: 'NL-DPS-TIMEOUT', message: '', advice: '' } as unknown as Failure;
