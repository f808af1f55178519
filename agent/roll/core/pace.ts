import type { Failure } from '../../failure/failure.ts';
import { pauseMs, probeMs, takenOffline, turnMs } from '../backoff.ts';
import type { RollEffect } from '../state.ts';
import { drawOf } from '../terms.ts';
import { isAccepted, isBarred, isDenied, isOnline, isRejected, isValid } from './knots.ts';
import {
  type Answer,
  ageOf,
  type Circumstances,
  isKeyless,
  isNewer,
  leafOf,
  type Memory,
  type Question,
  type Who,
} from './memory.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** When the answer came, by the clock of now: that of then may have been wrong. */
const momentOf = (answer: Answer, c: Circumstances): number => c.now - ageOf(answer, c);

/** What is left of the current leaf when the answer came, in milliseconds; without one that is valid a pause costs nothing. */
function leftAt({ current }: Memory, answer: Answer, c: Circumstances): number {
  const at = momentOf(answer, c);
  return current === undefined || current.notAfter <= at ? Number.POSITIVE_INFINITY : current.notAfter - at;
}

/** A candidate that alone could serve is asked for before it ends, but not more often than the budget of DPS bears. */
function leftOf(who: Who, memory: Memory, answer: Answer, c: Circumstances): number {
  const left = leftAt(memory, answer, c);
  const end = memory.next?.leaf?.notAfter;
  if (who === 'current' || end === undefined || Number.isFinite(left) || isOnline(memory)) return left;
  return Math.max(end - momentOf(answer, c), 30 * MINUTE);
}

const KINDS = { make: 'generate-key', issue: 'request-leaf' } as const;

/** How long a question waits from now on, in milliseconds; 0 or less: its moment has come. */
export function waitFor(question: Question, memory: Memory, c: Circumstances): number {
  const answer = told(question, memory);
  if (answer === undefined || answer.again || isHurried(question, memory)) return 0;
  return pauseOf(question, answer, memory, c) - ageOf(answer, c);
}

/** A technician waits for no pause of what was not asked since. */
export const isHurried = (question: Question, { ask }: Memory): boolean =>
  ask?.heard !== undefined && !ask.heard.includes(question);

/** The pause after an acceptance begins when the hub has refused the leaf for good, or the current leaf has taken its place. */
function told(question: Question, memory: Memory): Answer | undefined {
  const answer = memory.answers[question];
  if (!question.startsWith('register') || answer?.verdict !== 'accepted') return answer;
  const who = question === 'register current' ? 'current' : 'next';
  // DPS has accepted the next leaf since: that is why the hub refuses this one.
  if (who === 'current' && isAccepted(memory, 'next')) return answer;
  const hub = memory.answers[`connect ${who}`];
  if (hub === undefined || (memory.at[who] !== undefined && !isRejected(memory, who))) return answer;
  return { ...answer, at: hub.at, ...(hub.up !== undefined && { up: hub.up }) };
}

/** A registration waits for DPS as well, whose silence is one ladder for both leaves; one that DPS refuses, for two turns: it answers about this leaf. */
export function waitForDps(who: Who, memory: Memory, c: Circumstances): number {
  const { dps, [`register ${who}` as const]: told } = memory.answers;
  const isHeard = told !== undefined && isDenied(memory, who) && dps?.failure?.retryAfterMs === undefined;
  const most = isHeard ? 2 * turnMs(told.draw) - ageOf(told, c) : Number.POSITIVE_INFINITY;
  return Math.max(waitFor(`register ${who}`, memory, c), Math.min(waitFor('dps', memory, c), most));
}

function pauseOf(question: Question, answer: Answer, memory: Memory, c: Circumstances): number {
  if (question === 'dps') return silenceOf(answer, memory, c);
  if (question === 'register current' || question === 'register next')
    return registrationPause(question === 'register next' ? 'next' : 'current', answer, memory, c);
  if (question === 'connect current' || question === 'connect next') return connectPause(question, answer, memory, c);
  if (question === 'make' || question === 'issue') return keyPause(question, answer, memory, c);
  if (question === 'roll') return answer.times >= 2 ? HOUR : 0;
  if (question === 'sign') return 0;
  return destroyPause(answer, DAY);
}

/** A key that the token does not destroy is left alone after so many attempts. */
export const DESTROY_TRIES = 5;

function destroyPause(answer: Answer, laterMs: number): number {
  return answer.times < DESTROY_TRIES ? pauseMs('destroy-key', answer.times, failureOf(answer), answer.draw) : laterMs;
}

/** The next key needs the place of this one. */
export function waitForPlace(id: string, memory: Memory, c: Circumstances): number {
  const answer = memory.answers[`destroy ${id}`];
  if (answer === undefined) return 0;
  const pause = destroyPause(answer, probeMs(Math.max(1, answer.times - DESTROY_TRIES), answer.draw));
  return Math.min(waitFor(`destroy ${id}`, memory, c), pause - ageOf(answer, c));
}

const NONE = { kind: 'transient', code: 'NL-DPS-TIMEOUT', message: '', advice: '' } as unknown as Failure;
const failureOf = ({ failure = NONE }: Answer): Failure => failure;
const triesOf = ({ tries, times }: Answer): number => tries ?? times;

/** A far side that says "tomorrow" does not know that nothing serves: an hour is the most then. A session may outlive its leaf. */
function putOff(answer: Answer, memory: Memory, c: Circumstances): Failure {
  const met = failureOf(answer);
  return isOnline(memory) && isValid(memory, { now: momentOf(answer, c) }) ? met : takenOffline(met);
}

function silenceOf(answer: Answer, memory: Memory, c: Circumstances): number {
  const byTurns = !isOnline(memory) && memory.next?.leaf !== undefined && isValid(memory, c);
  // A leaf that DPS refuses has its pace beside this one.
  const turns = isDenied(memory, 'current') || isDenied(memory, 'next') ? 2 : 1;
  // The windows of a DPS that throttles are shared out once and for all.
  const leaf = answer.failure?.code === 'NL-DPS-THROTTLED' ? (memory.current ?? memory.next?.leaf) : undefined;
  return pauseMs(
    'register',
    answer.times,
    putOff(answer, memory, c),
    leaf === undefined ? answer.draw : drawOf(`${leaf.serial} register`),
    leftAt(memory, answer, c),
    byTurns ? turns * turnMs(answer.draw) : undefined,
  );
}

/** Accepted and not honoured: the current leaf is asked for once more at once, then hourly; a candidate by the ladder of a refusal. */
function registrationPause(who: Who, answer: Answer, memory: Memory, c: Circumstances): number {
  const { verdict, times, draw } = answer;
  const left = leftOf(who, memory, answer, c);
  const other = memory.answers[`register ${who === 'next' ? 'current' : 'next'}`];
  // What the token does not sign costs DPS nothing, and is in no other leaf's way.
  const isOfToken = verdict === 'broken' || other?.verdict === 'broken';
  const both = memory.next?.leaf !== undefined && isValid(memory, c) && isBarred(memory) && !isOfToken;
  const pair = isPair(who, answer, memory, c) ? Math.min(2 * turnMs(draw), left / 2) : undefined;
  if (verdict === 'silent') return both ? silentTurn(who, answer, memory, c) : (pair ?? 0);
  if (verdict === 'broken' && !answer.lasting && !isKeyless(answer))
    return pauseMs('register', times, failureOf(answer), draw, left);
  const isOnceMore = who === 'current' && verdict === 'accepted' && times === 1 && c.terms.trust === 'leaf';
  if (isOnceMore) return 0;
  // A leaf that has served: an operator who disallowed it does not stand by. What the configuration changed, or a token does not sign, is looked after.
  const isKnown = who === 'current' && memory.at.current !== undefined && memory.registered === c.terms.registered;
  const isHourly = !isKeyless(answer) && ((isKnown && !answer.lasting) || isAfterNothing(who, answer, memory));
  const rung = pair ?? probeMs(isHourly ? 3 : times, draw, left);
  if (!both) return rung;
  const turn = turnOf(who, answer, memory, c);
  return memory.at.current === undefined ? Math.min(turn, rung) : Math.min(turn, Math.max(LEAST_TURN_MS, left / 4));
}

/** The hub refuses the candidate again and again, and the current leaf takes its place back each time, also where DPS does not say that it took it. */
const isPair = (who: Who, { verdict, times }: Answer, memory: Memory, c: Circumstances): boolean =>
  who === 'next' &&
  (verdict === 'accepted' || verdict === 'silent') &&
  times > 2 &&
  isRejected(memory, 'next') &&
  isValid(memory, c) &&
  memory.answers['register current']?.verdict !== 'broken';

/** The leaf before this one came to nothing: one question soon, and then by the hour. */
const isAfterNothing = (who: Who, { times }: Answer, { answers }: Memory): boolean =>
  who === 'next' && times > 1 && answers.roll?.verdict === 'refused';

/** In the last minutes of a leaf its turns are this far from each other, in milliseconds. */
const LEAST_TURN_MS = 3 * MINUTE;

/** The ladder of DPS's silence is one for both leaves: where it answers about the current one, the other takes its turn once its own ladder has ended. */
function silentTurn(who: Who, answer: Answer, memory: Memory, c: Circumstances): number {
  const own = pauseMs('register', answer.times, failureOf(answer), answer.draw);
  return who === 'current' || own < turnMs(answer.draw) ? 0 : turnOf(who, answer, memory, c);
}

/** Two leaves of which neither serves are asked for by turns: the one that was asked for longer ago comes next, however often the other meets silence. */
function turnOf(who: Who, answer: Answer, { answers }: Memory, c: Circumstances): number {
  const other = answers[`register ${who === 'next' ? 'current' : 'next'}`];
  const both = 2 * turnMs(answer.draw);
  if (other === undefined || isNewer(answer, other)) return both;
  return Math.min(both, ageOf(answer, c) - ageOf(other, c) + turnMs(other.draw));
}

function connectPause(question: `connect ${Who}`, answer: Answer, memory: Memory, c: Circumstances): number {
  const leaf = leafOf(memory, question === 'connect next' ? 'next' : 'current');
  const draw = leaf === undefined ? answer.draw : drawOf(`${leaf.serial} connect`);
  return pauseMs('connect', triesOf(answer), failureOf(answer), draw, leftAt(memory, answer, c));
}

/** Another place has been tried, or another key: to look again at once is of no use. */
export function isTaken(question: Question, { verdict, failure }: Answer, { next }: Memory): boolean {
  if ((question !== 'make' && question !== 'issue') || verdict !== 'broken') return false;
  return failure?.code === 'NL-TOKEN-OCCUPIED' || next?.isSecond === true;
}

function keyPause(question: 'make' | 'issue', answer: Answer, memory: Memory, c: Circumstances): number {
  const { verdict, times, draw, lasting } = answer;
  const left = leftAt(memory, answer, c);
  if (verdict === 'refused' || lasting || isKeyless(answer) || isTaken(question, answer, memory))
    return probeMs(times, draw, left);
  return pauseMs(KINDS[question], triesOf(answer), putOff(answer, memory, c), draw, left);
}

/** The session: after an end that calls for a pause, and by its ladder. */
export function waitForSession(memory: Memory, c: Circumstances): number {
  const { end } = memory;
  const leaf = memory.current;
  const wait = waitFor('connect current', memory, c);
  if (end === undefined || leaf === undefined || isHurried('connect current', memory)) return wait;
  const pause = pauseMs('connect', 1, end.failure, drawOf(`${leaf.serial} connect`));
  return Math.max(wait, pause - (c.up - end.up));
}

interface Allowance {
  readonly burst: number;
  readonly everyMs: number;
}

/** Work that no ladder paces: a registration after a refusal, the roll that may cure it, and going back are three or four. */
const ALLOWED: Readonly<Partial<Record<RollEffect['kind'], Allowance>>> = {
  register: { burst: 8, everyMs: 37 * MINUTE },
  'request-leaf': { burst: 6, everyMs: 36 * MINUTE },
  'generate-key': { burst: 6, everyMs: 36 * MINUTE },
  connect: { burst: 30, everyMs: MINUTE },
};

const LEAST_APART_MS = 30_000;

const levelOf = (
  kind: RollEffect['kind'],
  { burst, everyMs }: Allowance,
  { spent }: Memory,
  { up }: Circumstances,
): number => {
  const before = spent?.[kind];
  return before === undefined ? burst : Math.min(burst, before.left + (up - before.up) / everyMs);
};

/** How long the budget of a day holds an effect back, in milliseconds. */
export function budgetWait(kind: RollEffect['kind'], memory: Memory, c: Circumstances): number {
  const allowance = ALLOWED[kind];
  if (allowance === undefined) return 0;
  const wait = Math.max(0, 1 - levelOf(kind, allowance, memory, c)) * allowance.everyMs;
  const { current, spent } = memory;
  const since = c.up - (spent?.[kind]?.up ?? c.up);
  // As with each pause, no more than half of what was left of the leaf when it began.
  const left = current === undefined || current.notAfter <= c.now ? Number.POSITIVE_INFINITY : current.notAfter - c.now;
  return Math.min(wait, Math.max(0, Math.max(LEAST_APART_MS, (left + since) / 2) - since));
}

export function spend(kind: RollEffect['kind'], memory: Memory, c: Circumstances): Memory {
  const allowance = ALLOWED[kind];
  if (allowance === undefined) return memory;
  const left = Math.max(0, levelOf(kind, allowance, memory, c) - 1);
  return { ...memory, spent: { ...memory.spent, [kind]: { left, up: c.up } } };
}
