import { failure } from '../../agent/failure/failure.ts';
import { GRACE_REFUSALS, turnMs } from '../../agent/roll/backoff.ts';
import { differs, entryOf, RUNGS } from '../../agent/roll/core/entry.ts';
import { isAccepted, isDenied, isKeyLost, isUnwanted } from '../../agent/roll/core/knots.ts';
import type { Memory } from '../../agent/roll/core/memory.ts';
import { questionOf } from '../../agent/roll/core/memory.ts';
import { isSame, plan } from '../../agent/roll/core/plan.ts';
import type { Of, RollEffect } from '../../agent/roll/state.ts';
import { isDue } from '../../agent/roll/terms.ts';
import type { Holds, Pair } from './pair.ts';
import { rollNow } from './people.ts';
import { statusOf } from './screen.ts';
import { advance, circumstancesOf, type Stepped } from './step.ts';
import { has, isLive } from './world.ts';

/** The laws of one event. @param before with all that was in flight */
export function checkStep(before: Pair, { pair: after, advanced }: Stepped, holds: Holds): void {
  const { event } = advanced;
  const { current } = after.memory;
  const isProven = event.kind === 'connected' && event.thumbprint === current?.thumbprint;
  // A disk that took nothing knows the leaf of before, and a restart begins with that.
  const isFound = (event.kind === 'started' && event.given !== undefined) || (advanced.restart && before.world.isFull);
  holds(
    current?.thumbprint === before.memory.current?.thumbprint || isFound || isProven,
    'no leaf becomes current without a proof',
  );
  checkSent(before, after, holds);
  if (event.kind === 'registered') checkPinned(event, after, holds);
  if (event.kind !== 'failed' || advanced.restart) return;
  checkTold(event, after, holds);
  checkWrites(event, before, after, holds);
  checkGrace(event, after, holds);
  checkKept(event, before, after, holds);
  checkTurn(event, after, holds);
}

/** With two leaves, each is asked for in its turn: also where the ladder has come to its hours. */
function checkTurn({ effect, failure: met }: Of<'failed'>, after: Pair, holds: Holds): void {
  const { memory } = after;
  const { current, next, online, answers } = memory;
  const isOne = current === undefined || next?.leaf === undefined || online !== undefined || !isLive(current, after.at);
  if (effect.kind !== 'register' || met.kind !== 'transient' || isOne || answers.dps === undefined) return;
  const dps = { ...answers.dps, failure: failure('NL-DPS-TIMEOUT'), times: 9 };
  const { wanted } = plan({ ...memory, answers: { ...answers, dps } }, circumstancesOf(after));
  // A leaf that DPS refuses has its pace beside the other.
  const turns = isDenied(memory, 'current') || isDenied(memory, 'next') ? 2 : 1;
  const waits = wanted.flatMap(({ row, wait }) => (row.startsWith('register') ? [wait] : []));
  holds(
    waits.length === 0 || Math.min(...waits) <= turns * turnMs(1),
    'a leaf without an answer waits for no more than its turn',
  );
}

function checkSent(before: Pair, { flying, memory, at }: Pair, holds: Holds): void {
  const { work } = flying;
  const isCandidate = work?.kind === 'register' && work.leaf.thumbprint === memory.next?.leaf?.thumbprint;
  if (!isCandidate || (before.flying.work && isSame(before.flying.work, work))) return;
  // A technician's roll waits for one answer alone.
  const isHurried = memory.ask?.request.from === 'technician' && memory.answers['connect current'] !== undefined;
  holds(
    isHurried || !hasItsTime(memory, at),
    'a hub gets its time for the current leaf before DPS is asked for another',
  );
}

/** DPS has accepted the current leaf last, no other went out since, and its hub has just begun to be asked. */
function hasItsTime({ current, online, at, answers, trusts }: Memory, now: number): boolean {
  const told = answers['connect current'];
  const isNew = told === undefined || (told.verdict !== 'broken' && told.times < GRACE_REFUSALS);
  const isAssigned = answers['register current']?.verdict === 'accepted' && at.current !== undefined;
  const isLast = trusts.every(({ thumbprint }) => thumbprint === current?.thumbprint);
  return current !== undefined && isLive(current, now) && online === undefined && isAssigned && isLast && isNew;
}

/** Registered last wins: DPS trusts this leaf, and no other. */
function checkPinned({ thumbprint }: Of<'registered'>, after: Pair, holds: Holds): void {
  const { memory, disk, flying } = after;
  const { current, next } = memory;
  const isKnown = [current, next?.leaf].some((leaf) => leaf?.thumbprint === thumbprint);
  if (!isKnown || after.world.isFull) return;
  const isNext = next?.leaf?.thumbprint === thumbprint;
  // The next one may go out already.
  const known = memory.trusts.filter(({ isNew }) => !isNew);
  const isWritten = disk.trusts.some((one) => one.thumbprint === thumbprint);
  const isAlone = known.length === 1 && known[0]?.thumbprint === thumbprint && isWritten;
  holds(isAlone, 'DPS trusts the leaf that registered last, and no other');
  holds(isNext || memory.at.next === undefined, 'a leaf that DPS has forgotten loses its assignment');
  const { work } = flying;
  const isProven = work?.kind === 'connect' && work.leaf.thumbprint !== thumbprint;
  holds(!isProven, 'a candidate connects only where its own registration was the last');
  const isOut = work?.kind === 'register' && work.leaf.thumbprint === next?.leaf?.thumbprint;
  if (isNext || next?.leaf === undefined || isOut) return;
  const discarded = advance(after, rollNow(after, true)).pair;
  const isAsked = discarded.plan.wanted.some(({ row }) => row === 'register current') && isUnwanted(discarded.memory);
  holds(!isAsked, 'a candidate that DPS trusts no more is discarded without another registration');
}

const isPlanned = ({ plan }: Pair, effect: RollEffect): boolean =>
  [...plan.wanted, ...(plan.session ? [plan.session] : [])].some((one) => isSame(one.effect, effect));

function checkTold({ effect, failure }: Of<'failed'>, after: Pair, holds: Holds): void {
  const { wrong } = statusOf(after);
  const codes = wrong.map(({ code }) => code);
  // The end of a handshake is told by the leaf that has ended.
  const isEffect = failure.code === 'NL-HUB-CLOSED' && codes.includes('NL-LEAF-EXPIRED');
  // A key that only has to go is told where nothing else is.
  const isOther = effect.kind === 'destroy-key' && codes.length > 0;
  const isTold = isOther || codes.includes(failure.code) || codes.includes('NL-CLOCK') || isEffect;
  holds(!isWaitedFor(after, effect) || isTold, 'what fails is told while it is tried again');
  const taken = effect.kind === 'generate-key' && wrong.find(({ code }) => code === 'NL-TOKEN-OCCUPIED');
  const own = after.memory.current?.key;
  const isOwn = taken && own !== undefined && has(after.world, own) && taken.message.includes(`slot ${own.slot}`);
  holds(!isOwn, 'the place that is told as taken is not that of the current leaf');
}

/** The session, or the work that newleaf waits for. */
const isWaitedFor = ({ plan: { work, session } }: Pair, effect: RollEffect): boolean =>
  [work, session].some((one) => one !== undefined && isSame(one.effect, effect));

/** Of a gateway that is offline for months, attempts alone must not wear out the flash. */
function checkWrites({ effect, failure }: Of<'failed'>, before: Pair, after: Pair, holds: Holds): void {
  const question = questionOf(after.memory, effect);
  const known = question && before.memory.answers[question];
  const isMore = known?.failure?.code === failure.code && failure.kind === 'transient';
  // A request that was planned begins at its moment, and one whose answer was there already ends with the next event.
  if (after.memory.scheduled !== before.memory.scheduled || after.memory.outcomes !== before.memory.outcomes) return;
  if (!isMore || after.state.phase !== before.state.phase || !isPlanned(after, effect)) return;
  // Two rungs of each ladder are: a supply that fails each few minutes must not begin it anew.
  const { dps } = after.memory.answers;
  if ([question && after.memory.answers[question], dps].some((one) => one && RUNGS.includes(one.times))) return;
  const isWritten = differs(entryOf(after.memory), entryOf(before.memory));
  holds(!isWritten, 'what only fails once more is not written');
}

/** Right after DPS has accepted a leaf, its hub may lag. */
function checkGrace({ effect, failure }: Of<'failed'>, after: Pair, holds: Holds): void {
  if (effect.kind !== 'connect' || failure.kind !== 'refused' || after.terms.trust === 'ca') return;
  const { memory } = after;
  const who = memory.next?.leaf?.thumbprint === effect.leaf.thumbprint ? 'next' : 'current';
  if (!isAccepted(memory, who) || memory.ask?.request.action === 're-register') return;
  const { times = 0 } = memory.answers[`connect ${who}`] ?? {};
  const isGiven = times >= GRACE_REFUSALS || isPlanned(after, effect) || isUnwanted(memory);
  holds(isGiven, 'a hub that refuses a leaf right after DPS has accepted it gets its time');
}

/** A leaf that DPS refuses may be enrolled later. */
function checkKept({ effect, failure }: Of<'failed'>, before: Pair, after: Pair, holds: Holds): void {
  const { next, current } = before.memory;
  if (effect.kind !== 'register' || failure.kind !== 'refused' || next?.leaf === undefined) return;
  const { leaf } = next;
  const isGone = effect.leaf.thumbprint === leaf.thumbprint && after.memory.next?.leaf === undefined;
  const isUseless = !isLive(leaf, after.at) || !has(after.world, leaf.key) || isUnwanted(before.memory);
  const isLate =
    current === undefined || isDue(before.memory as never, after.terms, after.at) || isKeyLost(before.memory);
  const isOutranked = next.from !== 'issuer' && isLate;
  // The leaf that it was to replace serves again: no operator enrolls it.
  const isCure = next.because === 'key-lost' || next.because === 'dps-refused' || next.because === 'rejected';
  const isCured = isCure && before.memory.online !== undefined && !isLate;
  holds(!isGone || isUseless || isOutranked || isCured, 'a candidate that DPS refuses is kept');
}
