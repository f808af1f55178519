import { type Code, failure } from '../../agent/failure/failure.ts';
import { RESTING } from '../../agent/roll/phase.ts';
import type { Status } from '../../agent/roll/report.ts';
import { DAY, type Gateway, HOUR, MINUTE } from './gateway.ts';
import type { Asked, Question } from './questions.ts';
import { FOREIGN } from './token.ts';

/** A law with a clock of its own. It is looked at every few minutes, and says how it is broken. */
export type Law = (gateway: Gateway, status: Status) => string | undefined;

/** Twenty reads in vain take a quarter of an hour or more; then a key, a leaf and a registration. */
export const REPLACED_MS = 40 * MINUTE;

/** A lost key of the current leaf is replaced: another leaf serves, or one with another key is registered. */
export function lostKeyIsReplaced(): Law {
  let lost = { thumbprint: '', process: 0, since: 0 };
  return (gateway, status) => {
    const { world, clock, known } = gateway;
    const now = clock.monotonic();
    const thumbprint = known?.current?.thumbprint ?? '';
    const isSame = thumbprint === lost.thumbprint && world.process === lost.process;
    // A look has nothing to say of the time before it, and a new process counts its reads anew.
    if (!isSame || !isLost(gateway) || !isWell(gateway, status)) {
      lost = { thumbprint, process: world.process, since: now };
      return undefined;
    }
    const { key } = known?.current ?? {};
    // While DPS is waited for, the token signs nothing, and nobody knows: the next question is another law's.
    const isFound = world.questions.some(({ about, from }) => about === thumbprint && from >= lost.since);
    if (!isFound) lost = { ...lost, since: now };
    // The key of a leaf after two that came to nothing in a row waits for an hour.
    const isPaused = gateway.vainRolls >= 2;
    if (now - lost.since <= REPLACED_MS + (isPaused ? HOUR : 0)) return undefined;
    const isAnotherAsked = world.questions.some(({ asked, about, from }) => {
      const leaf =
        asked === 'register' ? [...world.leaves.values()].find((one) => one.thumbprint === about) : undefined;
      return leaf !== undefined && leaf.key.id !== key?.id && from >= lost.since - REPLACED_MS;
    });
    return isAnotherAsked ? undefined : `the key of the current leaf is lost, and no other is made: ${status.phase}`;
  };
}

/** The token does not have the key, or does not sign with it, and no session is left that needs it. */
export function isLost({ world, known, isOnline }: Gateway): boolean {
  const current = known?.current;
  if (current === undefined || isOnline) return false;
  return !world.token.has(current.key) || world.token.isDamaged(current.key);
}

/** Everything else is well, and the issuer needs no person. */
function isWell(gateway: Gateway, { wrong, next }: Status): boolean {
  const { world, terms, clock, begun, isPutBack } = gateway;
  const { token, azure, faults, enabled, gone, assigns } = world;
  // Each certificate of Azure counts: three within an hour are the most.
  if (!terms.automatic || azure !== undefined || isPutBack) return false;
  const isClockRight = Math.abs(begun + clock.monotonic() - clock.now()) < MINUTE;
  const isOwnToken = token.card !== undefined && !token.isSwapped && ![...token.card.keys.values()].includes(FOREIGN);
  const isFarSideWell = Object.keys(faults).length === 0 && enabled && !gone.has(assigns);
  // A candidate that was refused and a DPS that was silent have ladders of an hour, and work that went round in circles has a brake.
  const { answer } = world.questions.findLast(({ asked }) => asked === 'register') ?? {};
  const isSilent = answer?.startsWith('NL-DPS-') === true && failure(answer as Code).kind === 'transient';
  const isFree = next?.standing !== 'parked' && !isSilent && wrong.every(({ code }) => code !== 'NL-BUDGET-BRAKED');
  return isClockRight && isOwnToken && isFarSideWell && isFree && !isPutOff(gateway, MINUTE);
}

/** By the phase that `status` tells: what is asked in it, and the longest pause of its ladder, its jitter and the brake. */
const ASKED_IN: Partial<Record<Status['phase'], { readonly mostMs: number; readonly asked: readonly Asked[] }>> = {
  registering: { mostMs: 75 * MINUTE, asked: ['register'] },
  'registering-next': { mostMs: 75 * MINUTE, asked: ['register'] },
  abandoning: { mostMs: 75 * MINUTE, asked: ['register'] },
  'requesting-leaf': { mostMs: 37 * MINUTE, asked: ['sign', 'issue'] },
  'generating-key': { mostMs: 37 * MINUTE, asked: ['make'] },
};
/** A look comes every five minutes, and a process that ends itself is back half a minute later. */
const LOOK_MS = 6 * MINUTE;

/** While `status` tells a phase, its question is asked: no pause is longer than the longest of its ladder. */
export function noneWaitsTooLong(): Law {
  let since = { phase: '', process: 0, at: 0 };
  return ({ world, clock }, { phase, online, next, at, clock: clockNow }) => {
    const now = clock.monotonic();
    const isSame = since.phase === phase && since.process === world.process;
    const isPlain = world.faults.disk === undefined && world.faults.clock === undefined;
    if (!isSame || !isPlain || since.at < (clock.steps.at(-1) ?? 0)) since = { phase, process: world.process, at: now };
    // A clock that is wrong, or work in flight, comes first.
    const isPlanned = next?.askAt !== undefined && clockNow.credible && RESTING.has(phase);
    const ahead = isPlanned ? Date.parse(next.askAt) - Date.parse(at) : 0;
    const isOld = now - (clock.steps.at(-1) ?? Number.NEGATIVE_INFINITY) < LOOK_MS;
    if (ahead > 75 * MINUTE && !isOld)
      return `the next moment of a candidate is ${Math.round(ahead / MINUTE)} minutes away`;
    const work = ASKED_IN[phase];
    if (work === undefined) return undefined;
    const { asked } = work;
    const last = world.questions.findLast((one) => asked.includes(one.asked));
    // A session that opens meanwhile takes back what was asked because there was none.
    const answered = world.questions.findLast((one) => asked.includes(one.asked) && isOfFarSide(one));
    // The windows of a DPS that throttles grow up to an hour, whatever is asked of it.
    const mostMs = answered?.answer === 'NL-DPS-THROTTLED' ? 75 * MINUTE : work.mostMs;
    if (last !== undefined && last.process === world.process && last.until === undefined) return undefined;
    // A far side that asks for more gets it, while the gateway serves: an issuer at most a day.
    const told = Math.min(online ? DAY : HOUR, answered?.retryAfterMs ?? 0);
    const from = Math.max(since.at, last?.until ?? 0);
    if (now - from <= Math.max(mostMs, 1.25 * told) + LOOK_MS) return undefined;
    return `nothing asks for ${Math.round((now - from) / MINUTE)} minutes: ${phase}`;
  };
}

/** The token says nothing of what a far side wants. */
const isOfFarSide = ({ asked, answer }: Question): boolean =>
  asked !== 'sign' && answer !== undefined && !answer.startsWith('NL-TOKEN-');

/** A far side has asked for a pause that is longer than this, and has got it. */
export function isPutOff({ world, clock, isOnline }: Gateway, longerMs: number): boolean {
  return (['register', 'issue', 'make'] as const).some((asked) => {
    const last = world.questions.findLast((one) => one.asked === asked && isOfFarSide(one));
    const { until = 0, retryAfterMs = 0 } = last ?? {};
    // A process that did not ask tells its age by the wall clock, which may have been set since.
    const from = last?.process === world.process ? until : Math.max(until, clock.steps.at(-1) ?? 0);
    return retryAfterMs > longerMs && clock.monotonic() < from + 1.25 * Math.min(retryAfterMs, isOnline ? DAY : HOUR);
  });
}
