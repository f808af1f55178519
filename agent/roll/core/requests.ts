import { failure } from '../../failure/failure.ts';
import { budgetLeft } from '../budget.ts';
import type { Source } from '../candidate.ts';
import type { Decision, Of, Request } from '../state.ts';
import { named, replaced, retired, second } from './generation.ts';
import { begins, isBusy, roomIn } from './in-flight.ts';
import { isTrusted } from './knots.ts';
import { type Answer, type Circumstances, type Memory, type Question, without } from './memory.ts';
import { asksNow, ended, withLeaf } from './record.ts';

export interface Heard {
  readonly memory: Memory;
  readonly decision: Decision & { readonly rule: string };
}

const no = (memory: Memory, rule: string, why: string, untilMs?: number): Heard => ({
  memory,
  decision: { action: 'ignore', rule, why, ...(untilMs !== undefined && { untilMs }) },
});

/** A request to register again, or to roll. */
export function asked(memory: Memory, event: Of<'asked'>, c: Circumstances): Heard {
  const { request, delayMs, discard } = event;
  const { scheduled, next } = memory;
  const { terms, now } = c;
  const action = rolls(memory, request, c) ? 'roll' : 're-register';
  const isFromMethod = request.from === 'method';
  if (scheduled !== undefined && (delayMs > 0 || isFromMethod))
    return no(memory, 'single-flight', 'another request is planned');
  if (isBusy(memory, { ...request, action }) && !(discard && next?.leaf)) {
    // A technician waits for no pause of what is in flight.
    const hurried = request.from === 'technician' && memory.ask ? { ...memory, ask: asksNow(memory.ask) } : memory;
    return no(hurried, 'single-flight', 'another request is in flight');
  }
  const spent = isFromMethod ? outOfBudget(memory, c) : undefined;
  if (spent !== undefined) return spent;
  const until = (memory.lastRollAt ?? Number.NEGATIVE_INFINITY) + terms.minRollIntervalMs;
  if (isFromMethod && action === 'roll' && memory.lastRollAt !== undefined && now >= memory.lastRollAt && now < until)
    return no(memory, 'roll-interval', 'the last roll began a moment ago', until);
  const isForPerson = action === 'roll' && !terms.automatic;
  const isDiscarded = discard && next?.leaf !== undefined;
  if (isForPerson && !isDiscarded) return no(memory, 'person', 'this issuer waits for a person to deliver a leaf');
  const charged = isFromMethod ? charge(memory, c) : memory;
  const decision = { action, reason: 'asked', why: 'asked', rule: 'asked' } as const;
  if (delayMs > 0)
    return {
      memory: { ...charged, scheduled: { ...request, startAt: now + Math.round(delayMs * event.draw) } },
      decision,
    };
  const free = roomIn(charged, now, isDiscarded);
  const taken = begins(free, asksNow({ request: { ...request, action } }), c);
  const going =
    isDiscarded && next ? { ...taken, next: { ...next, isDiscarded: true as const } } : wanted(taken, action);
  return { memory: isForPerson ? ended(going, now, 'person', failure('NL-ISSUER-PERSON')) : going, decision };
}

/** A candidate that is there serves the roll. */
function wanted(memory: Memory, action: Request['action']): Memory {
  const { next } = memory;
  if (action !== 'roll' || next === undefined || next.because !== undefined) return memory;
  return next.leaf === undefined ? memory : { ...memory, next: { ...next, because: 'asked' } };
}

/** Without any leaf a re-registration means the first provisioning; with a TPM a roll means another key from DPS. */
function rolls({ current, next }: Memory, { action }: Request, { terms }: Circumstances): boolean {
  if (terms.attestation === 'tpm') return false;
  return action === 'roll' || (current === undefined && next?.leaf === undefined);
}

function outOfBudget(memory: Memory, { terms, now }: Circumstances): Heard | undefined {
  const left = budgetLeft(memory, terms, now);
  if (left >= 1) return undefined;
  return no(
    memory,
    'budget',
    'the budget of this hour is spent',
    now + ((1 - left) * 3_600_000) / terms.requestsPerHour,
  );
}

const charge = (memory: Memory, { terms, now }: Circumstances): Memory => ({
  ...memory,
  budget: { left: budgetLeft(memory, terms, now) - 1, at: now },
});

/** A CSR for the next key: a person brings the leaf. */
export function csrAsked(memory: Memory, event: Of<'csr-asked'>, c: Circumstances): Memory | Heard {
  const { current, next, ask, answers } = memory;
  if (next?.leaf !== undefined) return memory;
  const urged = (one: Memory): Memory =>
    event.from === 'technician' && one.next !== undefined ? hurried(one, one.next.key.slot) : one;
  if (ask?.request.action === 'roll') return urged(memory);
  const isKept = next !== undefined && next.key.id === current?.key.id;
  const forPerson = (one: Memory): Memory => (one.next ? { ...one, next: { ...one.next, isForPerson: true } } : one);
  const isFree = next === undefined || (!next.isMade && next.because === undefined && !next.isForPerson);
  if (isFree && event.sameKey && current !== undefined && answers.sign === undefined) {
    const kept =
      next === undefined ? memory : { ...memory, old: [...memory.old, { ...next.key, isRemembered: true as const }] };
    return { ...kept, next: { key: current.key, isMade: true, isForPerson: true } };
  }
  if (next === undefined) return forPerson(urged(named(memory, c)));
  if (!next.isMade) return forPerson(urged(memory));
  if (event.isLost || (event.newKey && isKept)) {
    const one = named(without(memory, 'next'), c, next.because, isKept ? undefined : next.key);
    const demanded = answers.issue && { issue: { ...answers.issue, again: true as const } };
    return forPerson(urged(second({ ...one, answers: { ...one.answers, ...demanded } })));
  }
  if (!event.newKey) return forPerson(memory);
  if (event.from === 'method') {
    const spent = outOfBudget(memory, c);
    if (spent !== undefined) return spent;
  }
  const another = replaced(event.from === 'method' ? charge(memory, c) : memory, c, next.key, next.because);
  if (another?.next === undefined) return forPerson(memory);
  return forPerson({ ...another, next: without(another.next, 'isSecond') });
}

/** A person does not wait for the ladder of a key, nor for that of the one in its place. */
function hurried(memory: Memory, slot: string): Memory {
  const inPlace = memory.old.filter((one) => one.slot === slot).map(({ id }): Question => `destroy ${id}`);
  const answers = (Object.entries(memory.answers) as [Question, Answer][]).map(([question, one]) => [
    question,
    question === 'make' || inPlace.includes(question) ? { ...one, again: true } : one,
  ]);
  return { ...memory, answers: Object.fromEntries(answers) };
}

/** A person delivered a leaf, for the key of the CSR or for the current key. An older candidate makes room. */
export function delivered(memory: Memory, event: Of<'leaf-delivered'>, c: Circumstances): Heard {
  const { leaf, request } = event;
  const { next, current, ask } = memory;
  const isFromMethod = request.from === 'method';
  const isInFlight = next?.leaf !== undefined && (memory.at.next !== undefined || c.flying.work?.kind === 'register');
  if (isInFlight) return no(memory, 'single-flight', 'another request is in flight');
  const spent = isFromMethod ? outOfBudget(memory, c) : undefined;
  if (spent !== undefined) return spent;
  const charged = isFromMethod ? charge(memory, c) : memory;
  const decision = { action: 'roll', reason: 'delivered', why: 'a leaf was delivered', rule: 'delivered' } as const;
  const isOfNext = next?.isMade === true && next.key.id === leaf.key.id;
  const answer = (outcome: 'done' | 'failed', code?: 'NL-LEAF-KEY') => {
    const own = ended({ ...charged, ask: { request } }, c.now, outcome, code && failure(code));
    return { memory: ask === undefined ? own : charged, decision };
  };
  if (leaf.thumbprint === current?.thumbprint) return answer('done');
  if (!isOfNext && leaf.key.id !== current?.key.id) return answer('failed', 'NL-LEAF-KEY');
  const kept =
    next === undefined || isOfNext
      ? charged
      : isTrusted(charged)
        ? { ...charged, old: [...charged.old, { slot: next.key.slot, id: next.key.id, isRemembered: true as const }] }
        : retired(charged, next.key);
  const from: Source = isFromMethod ? 'hub' : 'person';
  const taken = ask === undefined || ask.request.from === 'newleaf' ? begins(kept, asksNow({ request }), c) : kept;
  return { memory: withLeaf(taken, { key: leaf.key, isMade: true, leaf, from, because: 'delivered' }), decision };
}
