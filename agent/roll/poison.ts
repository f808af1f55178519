import { type Failure, failure } from '../failure/failure.ts';
import type { Leaf } from './leaf.ts';
import { lastResortAt, type Terms } from './plan.ts';
import { doneBy, type Of, type RollEffect, type RollEvent, type RollState } from './state.ts';

/** While a session is open, an effect may cost a process no more often than this, in milliseconds. */
const ONLINE_MS = 6 * 3_600_000;
/** There is no session to lose, and a new process may find the token well. */
const OFFLINE_MS = 5 * 60_000;
/** A key that has failed for so long, in several processes, counts as lost, in milliseconds: a token that is reset is back sooner. */
const SURE_MS = 15 * 60_000;
/** After that a new process is tried for the session as often as DPS is asked, in milliseconds. */
const SELDOM_MS = 3_600_000;
/** An effect that has not been met for longer begins a row anew, in milliseconds. */
const ROW_MS = 2 * SELDOM_MS;
/** More effects cannot be in flight at once. */
const KEPT = 4;

const GOES_ON = 'newleaf goes on with what it has, and tries this again by itself.';
const ADVICE = `See \`newleaf check\`. ${GOES_ON}`;
/** A person who restarts it would end the only process that can sign. */
const ADVICE_STAYS = `Mend this before newleaf is started again: see \`newleaf check\`. ${GOES_ON}`;

/**
 * A new process heals a module that has lost its state, but a module that always answers one effect so would keep the gateway
 * offline for ever. So the effect that ended the process is written down:
 *
 * | which effect                                 | before                                   | answer                   |
 * |----------------------------------------------|------------------------------------------|--------------------------|
 * | the session, and none is open                | not within 5 minutes (an hour: sure)     | a new process            |
 * | the session, and none is open                | a moment ago                             | NL-TOKEN-FAILED, `again` |
 * | the session, or a registration of its leaf   | for a quarter of an hour: it is sure     | NL-TOKEN-KEY, `again`    |
 * | any other, and no new process could go on    | whatever                                 | NL-TOKEN-FAILED, `again` |
 * | any other                                    | not, or it has gone well since           | a new process            |
 * | any other                                    | long ago (6 hours; 5 minutes if offline) | a new process            |
 * | any other                                    | a moment ago                             | NL-TOKEN-FAILED, `again` |
 */
export function heed(
  state: RollState,
  event: RollEvent,
  { automatic, renewAt }: Pick<Terms, 'automatic' | 'renewAt'>,
): { readonly state: RollState; readonly event: RollEvent; readonly restart?: true } {
  if (event.kind !== 'failed') return { state: well(state, event), event };
  const { effect, failure: met, stays, at } = event;
  if (met.code !== 'NL-TOKEN-POISONED') return { state, event };
  const { current, online } = state;
  // With another hub the session may still be open.
  const isDown = isSession(effect, current) && online === undefined;
  // A key that neither process has: a new process makes another. An open session is worth more, until its leaf nears its end.
  const isLate = automatic && current !== undefined && at >= lastResortAt(current, renewAt);
  const isLost = stays?.code === 'NL-TOKEN-KEY' && (online === undefined || isLate);
  if (stays !== undefined && !isLost && !isDown) {
    const message = `${met.message} newleaf does not restart itself, as a new process could not use the leaf: ${stays.message}`;
    return { state, event: failedFor(event, { ...met, message, advice: ADVICE_STAYS }) };
  }
  const name = nameOf(effect);
  const before = state.poisoned?.find((one) => one.effect === name);
  const isRow = before !== undefined && at >= before.at && at < before.at + ROW_MS;
  const since = isRow ? (before.since ?? before.at) : at;
  const isSure = at >= since + SURE_MS;
  const isOfCurrent = 'leaf' in effect && effect.leaf.thumbprint === current?.thumbprint;
  const pauseMs = online !== undefined ? ONLINE_MS : isOfCurrent && isSure ? SELDOM_MS : OFFLINE_MS;
  if (before === undefined || at < before.at || at >= before.at + pauseMs) {
    const others = (state.poisoned ?? []).filter((one) => one !== before);
    const poisoned = [{ effect: name, at, since }, ...others].slice(0, KEPT);
    return { state: { ...state, poisoned }, event, restart: true };
  }
  if (isSure && isOfCurrent && online === undefined)
    return { state, event: { ...event, failure: lost(met), again: true } };
  return { state, event: failedFor(event, { ...met, advice: ADVICE }) };
}

/** A key that is there, and signs nothing, is of no more use than one that is not: another one is made, and nothing is destroyed. */
function lost({ message, cause }: Failure): Failure {
  const told = `${message} So it has ended for a quarter of an hour, in each new process: the key of the leaf counts as lost.`;
  return failure('NL-TOKEN-KEY', { message: told, ...(cause !== undefined && { cause }) });
}

/** As a fault of the token that no new process heals. */
function failedFor(event: Of<'failed'>, { message, advice, cause }: Failure): RollEvent {
  const told = failure('NL-TOKEN-FAILED', { message, advice, ...(cause !== undefined && { cause }) });
  return { ...event, failure: told, again: true };
}

/**
 * Whether this effect poisoned the process before this one. It is tried after the hub has accepted the current leaf, or has
 * had its time: it may poison this process as well.
 */
export function isSuspect({ poisoned = [], current }: RollState, effect: RollEffect): boolean {
  return !isSession(effect, current) && poisoned.some((one) => one.effect === nameOf(effect));
}

/** The session with the current leaf: everything else is work. */
export function isSession(effect: RollEffect, current: Leaf | undefined): boolean {
  return effect.kind === 'connect' && effect.leaf.thumbprint === current?.thumbprint;
}

/** Keys change from attempt to attempt, and the token stays the same: an effect counts as the same with any key. */
function nameOf(effect: RollEffect): string {
  return 'leaf' in effect ? `${effect.kind} ${effect.leaf.thumbprint}` : effect.kind;
}

/** Forgets effects that have succeeded since. */
function well(state: RollState, event: RollEvent): RollState {
  const { poisoned, ...clean } = state;
  const kind = doneBy(event);
  if (poisoned === undefined || kind === undefined) return state;
  const done = 'thumbprint' in event ? `${kind} ${event.thumbprint}` : kind;
  const left = poisoned.filter(({ effect }) => effect !== done);
  if (left.length === poisoned.length) return state;
  return left.length === 0 ? clean : { ...clean, poisoned: left };
}
