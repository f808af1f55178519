import { CODES, type Code, failure } from '../../agent/failure/failure.ts';
import { pauseMs, probeMs, takenOffline } from '../../agent/roll/backoff.ts';
import type { RollEffect } from '../../agent/roll/state.ts';
import { type Gateway, HOUR, MINUTE } from './gateway.ts';
import type { Law } from './laws-late.ts';
import type { Asked, Question } from './questions.ts';

const EFFECTS: Readonly<Record<Asked, RollEffect['kind']>> = {
  register: 'register',
  connect: 'connect',
  sign: 'request-leaf',
  issue: 'request-leaf',
  make: 'generate-key',
};

/** Two leaves are asked for by turns, each this long after the other at least. */
const TURN_MS = 36 * MINUTE;
/** The clocks of ladder and law differ by what the loop takes. */
const GRAIN_MS = 1_000;
/** The loop looks at the clock once a minute. */
const NOTICED_MS = MINUTE;
/** A ladder that was left for so long begins anew. */
const FORGOTTEN_MS = 2 * HOUR;

/** Questions that get the same answer in a row come no sooner than the ladder of agent/roll/backoff.ts says. */
export function noneComesTooSoon(): Law {
  let seen = 0;
  const rows = new Map<string, { last: Question; times: number }>();
  let [silent, process, registered] = [0, 0, 0];
  let served = '';
  const anew = new Map<string, number>();
  const begun = ({ asked, about, until = 0 }: Question) => {
    // DPS may have named another hub; and what that says of the leaf is an answer to its issuer.
    if (asked === 'register')
      for (const name of [`connect ${about}`, ...[...rows.keys()].filter((one) => one.startsWith('issue '))])
        anew.set(name, until);
    // A key that was lost: how often it is made is bounded.
    if (asked === 'make') anew.set(`issue ${about.split(' ').at(-1)}`, until);
  };
  return (gateway) => {
    const { questions } = gateway.world;
    for (; seen < questions.length; seen += 1) {
      const question = questions[seen] as Question;
      if (question.until === undefined && question.process === gateway.world.process) break;
      const { asked, about, answer } = question;
      // A person who asks for a CSR has the token sign one, too.
      if (asked === 'sign') continue;
      const name = `${asked} ${about}`;
      if (question.from >= (anew.get(name) ?? Number.POSITIVE_INFINITY)) {
        anew.delete(name);
        rows.delete(name);
      }
      // That was another candidate: what comes after it has a ladder of its own.
      const isSinceLast = (at: number) => at >= (rows.get(name)?.last.from ?? question.from) && at <= question.from;
      if (asked === 'issue' && gateway.log.delivered.some(isSinceLast)) rows.delete(name);
      const row = rows.get(name);
      const isKnown = row?.last.process === question.process && question.from < row.last.from + FORGOTTEN_MS;
      const isSame = isKnown && row?.last.answer === answer;
      const isRow = isKnown && row?.last.answer !== 'accepted';
      const times = row?.times ?? 0;
      if (asked === 'register') {
        const isOn = process === question.process && question.from < registered + FORGOTTEN_MS;
        if (!isOn) silent = 0;
        [process, registered] = [question.process, question.from];
      }
      // What the token fails to sign is a fault of one leaf.
      const isOfToken = row?.last.answer !== undefined && isBroken(row.last.answer);
      const rung = asked === 'register' && !isOfToken ? silent : times;
      if (row !== undefined && isRow && row.last.until !== undefined && !isExcused(gateway, row.last, question)) {
        const leastMs = leastOf(row.last, Math.max(1, rung));
        const pauseIs = question.from - row.last.until;
        if (pauseIs < leastMs - GRAIN_MS) return soon(name, row.last, question, leastMs);
      }
      if (answer === 'accepted') begun(question);
      // What comes of an effect waits for the disk before it counts.
      const isCounted = !question.isUnkept;
      rows.set(name, { last: question, times: isSame ? times + Number(isCounted) : 1 });
      // With another leaf in its place all begins anew.
      if (asked === 'connect' && answer === 'accepted' && about !== served) {
        [served, silent] = [about, 0];
        rows.clear();
      }
      if (asked !== 'register') continue;
      // One ladder for all leaves: the silence of DPS is not about one of them.
      if (answer === undefined || !isBroken(answer)) silent = answer !== undefined && isSilent(answer) ? silent + 1 : 0;
    }
    return undefined;
  };
}

/** A key that is not in the token is found out before DPS is asked: that has the ladder of a refusal. */
const isRefusal = (answer: Code): boolean => CODES[answer].kind === 'refused' || answer === 'NL-TOKEN-KEY';

const isBroken = (answer: 'accepted' | Code): boolean =>
  answer !== 'accepted' && !isRefusal(answer) && CODES[answer].kind === 'broken';

const isSilent = (answer: 'accepted' | Code): boolean => answer !== 'accepted' && !isRefusal(answer);

function leastOf({ asked, answer, retryAfterMs, leftMs, isServing = false }: Question, times: number): number {
  if (answer === undefined || answer === 'accepted') return 0;
  if (isRefusal(answer)) {
    // The hub can lag DPS: its first refusals have a ladder of seconds.
    if (asked === 'connect') return pauseMs('connect', times, failure(answer), 0, leftMs);
    if (asked === 'make') return 0;
    // In the last minutes of a leaf it and another one are asked for by turns.
    return Math.min(probeMs(1, 0, leftMs), leftMs === undefined ? HOUR : Math.max(3 * MINUTE, leftMs / 4));
  }
  const told = failure(answer, retryAfterMs === undefined ? {} : { retryAfterMs });
  const met = isServing ? told : takenOffline(told);
  const ladderMs = pauseMs(EFFECTS[asked], times, met, 0, leftMs, asked === 'register' ? TURN_MS : undefined);
  // A token that signs no handshake, in two processes in a row, is looked at by the ladder of a refusal.
  return asked === 'register' && CODES[answer].kind === 'broken' ? Math.min(ladderMs, probeMs(1, 0, leftMs)) : ladderMs;
}

/**
 * What ends a pause early: a request of a person or of the back end; a clock that is set; a session that begins or ends; a disk
 * that takes nothing, as the effects wait for it; a configuration that differs from what is registered; and an answer to another
 * question since, from which the work goes on.
 */
function isExcused({ world, clock, log, terms, known }: Gateway, last: Question, question: Question): boolean {
  const since = (last.until ?? last.from) - GRAIN_MS;
  const isWithin = (at: number) => at >= since && at <= question.from + GRAIN_MS;
  if (last.isUnkept || question.isUnkept || world.faults.clock !== undefined) return true;
  if (world.turns.some(isWithin)) return true;
  // What was sent before a person asked, or before the clock was set, is asked again as soon as it is answered.
  const isSinceSent = (at: number) => at >= last.from - NOTICED_MS - GRAIN_MS && at <= question.from + GRAIN_MS;
  if ([...log.asked, ...clock.steps].some(isSinceSent)) return true;
  if (known?.registered !== undefined && known.registered !== terms.registered) return true;
  const goesOn = GOES_ON[question.asked];
  return world.questions.some(
    (one) =>
      one !== last && one !== question && one.until !== undefined && isWithin(one.until) && goesOn(one, question),
  );
}

const isAnswer = ({ answer }: Question): boolean => answer !== undefined && !isSilent(answer);

const GOES_ON: Readonly<Record<Asked, (one: Question, then: Question) => boolean>> = {
  connect: ({ asked, answer }) => asked === 'register' && answer === 'accepted',
  // A hub that has refused, or accepted, another leaf; one that has been silent for so long that DPS is asked for another.
  register: (one, then) => {
    if (one.asked === 'connect') return isAnswer(one) || (one.until ?? 0) >= then.from - 3 * GRAIN_MS;
    return one.answer === 'accepted';
  },
  // A key that signs nothing is looked at once more.
  issue: (one, then) => {
    if (one.asked === 'make') return one.answer === 'accepted';
    return (one.asked === 'register' && isAnswer(one)) || (one.asked === 'issue' && one.about !== then.about);
  },
  make: (one) => one.asked === 'register' && isAnswer(one),
  sign: () => true,
};

function soon(name: string, last: Question, { from }: Question, leastMs: number): string {
  const seconds = (ms: number) => `${Math.round(ms / 1_000)} s`;
  const moment = (from / HOUR).toFixed(3);
  return `"${name}" met ${last.answer}, and comes again too soon: ${seconds(from - (last.until ?? 0))} later, least ${seconds(leastMs)}, at ${moment} h`;
}
