import { type Failure, failure } from '../../failure/failure.ts';
import type { Terms } from '../terms.ts';
import { blockage } from './blockage.ts';
import { begins, isBusy, roomIn } from './in-flight.ts';
import {
  hasOtherPlace,
  inPlace,
  isAccepted,
  isNextLost,
  isOnline,
  isProving,
  isRejected,
  isTrusted,
  isUnwanted,
  isValid,
} from './knots.ts';
import {
  type Answer,
  type Asked,
  type Circumstances,
  isKeyless,
  isSince,
  type Memory,
  type Who,
  without,
} from './memory.ts';
import { ended, isServed } from './record.ts';
import type { Row } from './row.ts';

/** Requests begin and end first: an end makes room for what follows. */
export const REQUESTS: readonly Row[] = [
  {
    name: 'planned request begins',
    why: 'a request that was planned begins at its moment, also where the clock was set back by more than a day',
    apply: (memory, c) => {
      const { scheduled, ask } = memory;
      if (scheduled === undefined || isAhead(scheduled.startAt, c.now)) return undefined;
      const { startAt: _, ...request } = scheduled;
      if (ask !== undefined && ask.request.from !== 'newleaf' && isBusy(memory, request)) return undefined;
      const begun = begins(roomIn(without(memory, 'scheduled'), c.now), { request }, c);
      return request.action === 'roll' && !c.terms.automatic ? forPerson(begun, c.now) : begun;
    },
  },
  {
    name: 're-registration is done',
    why: 'DPS has accepted a leaf since, and the hub serves it: an end makes room for what follows',
    apply: (memory, { now }) => {
      const { ask } = memory;
      if (ask?.request.action !== 're-register' || !isServed(memory) || isProving(memory)) return undefined;
      if (ask.isAccepted !== true && !isOfHub(ask)) return undefined;
      const refused = refusedByHub(memory, ask);
      return ended(memory, now, refused === undefined ? 'done' : 'kept', refused);
    },
  },
  {
    name: 're-registration is over',
    why: 'DPS or the hub has refused each leaf that there is since, or it cannot be asked for',
    apply: (memory, c) => {
      const { ask } = memory;
      if (ask?.request.action !== 're-register') return undefined;
      const no = askable(memory, c).map((who) => refusalSince(memory, who, ask, c.terms));
      if (no.length === 0 || no.some((one) => one === undefined)) return undefined;
      return ended(memory, c.now, isOnline(memory) ? 'kept' : 'person', no[0]);
    },
  },
  {
    name: 'roll without a leaf is over',
    why: 'only a person brings a leaf, and none is left: the next CSR is not to wait for this request',
    apply: (memory, { terms, now }) => {
      if (memory.ask?.request.action !== 'roll' || terms.automatic || memory.next?.leaf !== undefined) return undefined;
      return forPerson(memory, now);
    },
  },
  {
    name: 'roll is over for its asker',
    why: 'it was refused; newleaf goes on by itself, as the answer may change',
    apply: (memory, c) => {
      const { ask, next } = memory;
      if (ask?.request.action !== 'roll' || next?.because === undefined) return undefined;
      const met = metBy(memory);
      if (met === undefined || !isSince(met, ask) || !isOver(memory, met)) return undefined;
      return ended(memory, c.now, isKeptAfter(memory, met) ? 'kept' : 'person', met.failure);
    },
  },
];

const forPerson = (memory: Memory, now: number): Memory => ended(memory, now, 'person', failure('NL-ISSUER-PERSON'));

/** The moment is to come, by a clock that may be right. */
const isAhead = (startAt: number, now: number): boolean => startAt > now && startAt <= now + 24 * 3_600_000;

/** The leaves for which DPS can be asked. */
const askable = (memory: Memory, c: Circumstances): readonly Who[] => [
  ...(isValid(memory, c) ? (['current'] as const) : []),
  ...(memory.next?.leaf !== undefined && !isUnwanted(memory) ? (['next'] as const) : []),
];

/** The gateway serves on; a leaf that DPS refuses is for the operator to enroll. */
const isKeptAfter = (memory: Memory, met: Answer): boolean =>
  (isOnline(memory) || met.verdict === 'silent') && met !== memory.answers['register next'];

/** What the roll has met last. */
function metBy(memory: Memory): Answer | undefined {
  const { next, answers } = memory;
  const { make, issue, 'register next': register, 'connect next': connect, 'register current': back } = answers;
  // The token signs nothing with which DPS could trust the current leaf again.
  if (isUnwanted(memory) && isTrusted(memory) && back?.lasting) return back;
  if (next?.leaf !== undefined)
    return isRejected(memory, 'next') || (isNextLost(memory) && connect?.failure) ? connect : register;
  const place = inPlace(memory);
  if (place === undefined) return next?.isMade ? issue : make;
  const [told, failure] = [answers[place], blockage(memory)];
  return told && { ...told, ...(failure && { failure }) };
}

/** Its answer may change, but not soon. What is met once with a second key is no accident. */
function isOver(memory: Memory, told: Answer): boolean {
  const { next } = memory;
  const { verdict, failure: met, lasting, again } = told;
  if (met?.code === 'NL-ISSUER-NEW-KEY') return next?.isSecond === true;
  if (verdict === 'refused' || lasting || isNextLost(memory) || isRejected(memory, 'next')) return true;
  if (verdict !== 'broken' || again || next?.leaf !== undefined) return false;
  if (met?.code === 'NL-TOKEN-OCCUPIED' && !hasOtherPlace(memory)) return true;
  return next?.isSecond === true || isKeyless(told);
}

/** What newleaf asks because of the hub is answered by the hub, too. */
const isOfHub = ({ request: { reason } }: Asked): boolean => reason === 'unreached' || reason === 'rejected';

/** The candidate that was tried for the asker, and that its hub refuses: the gateway has gone back. */
function refusedByHub(memory: Memory, ask: Asked): Failure | undefined {
  const told = memory.answers['connect next'];
  return told !== undefined && isSince(told, ask) && isRejected(memory, 'next') ? told.failure : undefined;
}

function refusalSince(memory: Memory, who: Who, ask: Asked, terms: Terms) {
  const { answers } = memory;
  const [told, hub] = [answers[`register ${who}`], answers[`connect ${who}`]];
  // DPS may have accepted it before the request: the last word of the hub is an answer to that, too.
  if (hub !== undefined && isSince(hub, ask) && isInVain(memory, who, terms)) return hub.failure;
  const isNo = told?.verdict === 'refused' || isKeyless(told) || told?.lasting;
  return told !== undefined && isNo && isSince(told, ask) ? told.failure : undefined;
}

/** DPS accepts the leaf, and its hub refuses it for good; under a CA, where a new leaf did as well. */
function isInVain(memory: Memory, who: Who, { trust }: Terms): boolean {
  if (!isAccepted(memory, who) || !isRejected(memory, who)) return false;
  if (trust === 'ca') return memory.answers.roll?.verdict === 'refused';
  return who === 'next' || (memory.answers['register current']?.times ?? 0) >= 2;
}
