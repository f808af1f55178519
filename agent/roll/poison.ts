import { type Failure, failure } from '../failure/failure.ts';
import { isKeyLost } from './core/knots.ts';
import type { Memory } from './core/memory.ts';
import type { Leaf } from './leaf.ts';
import { doneBy, type Of, type RollEffect, type RollEvent } from './state.ts';
import { lastResortAt, type Terms } from './terms.ts';

/** While a session is open, an effect may cost a process no more often than this, in milliseconds. */
const ONLINE_MS = 6 * 3_600_000;
/** There is no session to lose, and a new process may find the token well; each one begins the ladders of its connects anew. */
const OFFLINE_MS = [5 * 60_000, 15 * 60_000, 3_600_000];
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
 * | whether a new process could go on | before                                   | answer                   |
 * |-----------------------------------|------------------------------------------|--------------------------|
 * | no, and this one may sign         | whatever                                 | NL-TOKEN-FAILED, `isMetAnew` |
 * | yes, or neither can               | not, or it has gone well since           | a new process            |
 * | yes                               | long ago (6 hours; if offline 5, 15, 60 minutes) | a new process    |
 * | yes                               | a moment ago                             | NL-TOKEN-FAILED, `isMetAnew` |
 *
 * The session is no exception: a damaged key would end each process before the next key has its leaf.
 */
export function heed(
  state: Memory,
  event: RollEvent,
  { automatic, renewAt }: Pick<Terms, 'automatic' | 'renewAt'>,
): { readonly state: Memory; readonly event: RollEvent; readonly restart?: true } {
  if (event.kind !== 'failed') return { state: well(state, event), event };
  const { effect, failure: met, stays, at } = event;
  if (met.code !== 'NL-TOKEN-POISONED') return { state, event };
  const { current, online } = state;
  // A key that neither process has: a new process makes another. An open session is worth more, until its leaf nears its end.
  const isLate = automatic && current !== undefined && at >= lastResortAt(current, renewAt);
  const isLost = stays?.code === 'NL-TOKEN-KEY' && (online === undefined || isLate);
  // This process cannot sign with the leaf either: there is nothing to lose.
  const isSpent = online === undefined && isKeyLost(state);
  if (stays !== undefined && !isLost && !isSpent) {
    const message = `${met.message} newleaf does not restart itself, as a new process could not use the leaf: ${stays.message}`;
    return { state, event: failedFor(event, { ...met, message, advice: ADVICE_STAYS }) };
  }
  const name = nameOf(effect, current);
  const before = state.poisoned?.find((one) => one.effect === name);
  const { times = 1 } = before ?? {};
  const pauseMs = state.online === undefined ? (OFFLINE_MS[times - 1] ?? 3_600_000) : ONLINE_MS;
  if (before === undefined || at < before.at || at >= before.at + pauseMs) {
    const others = (state.poisoned ?? []).filter((one) => one !== before);
    const isInRow = before !== undefined && at < before.at + ONLINE_MS;
    const one = { effect: name, at, ...(isInRow && { times: Math.min(times + 1, OFFLINE_MS.length) }) };
    return { state: { ...state, poisoned: [one, ...others].slice(0, KEPT) }, event, restart: true };
  }
  return { state, event: failedFor(event, { ...met, advice: ADVICE }) };
}

/** As a fault of the token that no new process heals. */
function failedFor(event: Of<'failed'>, { message, advice, cause }: Failure): RollEvent {
  const told = failure('NL-TOKEN-FAILED', { message, advice, ...(cause !== undefined && { cause }) });
  return { ...event, failure: told, isMetAnew: true };
}

/** The session with the current leaf: everything else is work. */
export function isSession(effect: RollEffect, current: Leaf | undefined): boolean {
  return effect.kind === 'connect' && effect.leaf.thumbprint === current?.thumbprint;
}

/** Keys and candidates change from attempt to attempt, and the token stays the same: an effect counts as the same with any. */
const nameOf = (effect: RollEffect, current: Leaf | undefined): string =>
  'leaf' in effect ? withLeaf(effect.kind, effect.leaf.thumbprint, current) : effect.kind;

const withLeaf = (kind: RollEffect['kind'], thumbprint: string, current: Leaf | undefined): string =>
  `${kind} ${thumbprint === current?.thumbprint ? thumbprint : 'next'}`;

/** Forgets effects that have succeeded since. */
function well(state: Memory, event: RollEvent): Memory {
  const { poisoned, ...clean } = state;
  const { current } = state;
  const kind = doneBy(event);
  if (poisoned === undefined || kind === undefined) return state;
  const done = 'thumbprint' in event ? withLeaf(kind, event.thumbprint, current) : kind;
  const left = poisoned.filter(({ effect }) => effect !== done);
  if (left.length === poisoned.length) return state;
  return left.length === 0 ? clean : { ...clean, poisoned: left };
}
