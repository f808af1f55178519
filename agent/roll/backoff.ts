import type { Failure } from '../failure/failure.ts';
import type { RollEffect } from './state.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

interface Ladder {
  /** Pause before the second try; the first follows at once. */
  readonly firstMs: number;
  readonly capMs: number;
  /** From rung to rung; 2 where it is not said. */
  readonly factor?: number;
}

/** The pause after so many failures in a row (1 or more), in milliseconds, without jitter. */
export const rungMs = ({ firstMs, capMs, factor = 2 }: Ladder, tries: number): number =>
  Math.min(capMs, firstMs * factor ** Math.min(tries - 1, 30));

/** Spread by this share to both sides. @param draw in [0, 1) */
export const jittered = (ms: number, jitter: number, draw: number): number => ms * (1 - jitter + 2 * jitter * draw);

interface Spread extends Ladder {
  readonly jitter: number;
  /** Not to both sides of a rung, but from this rung to the next. */
  readonly isEven?: true;
}

/**
 * DPS: "5xx: exponential backoff, first delay at least 5 s"
 * (Microsoft, concepts-device-reprovision). The jitter keeps a fleet that lost its hub together from coming back together.
 */
const LADDERS: Record<RollEffect['kind'], Spread> = {
  // A hub takes so many connects a second. With a draw that stays, a fleet fills each minute evenly, and leaves no second unused.
  connect: { firstMs: SECOND, capMs: MINUTE, jitter: 0.2, isEven: true },
  // Seven registrations in the first hour, then 24 a day: 1,000 gateways of an instance together do not reach its quota.
  register: { firstMs: 5 * SECOND, capMs: HOUR, jitter: 0.25, factor: 3 },
  'request-leaf': { firstMs: 5 * SECOND, capMs: 15 * MINUTE, jitter: 0.25 },
  'generate-key': { firstMs: 5 * SECOND, capMs: 5 * MINUTE, jitter: 0.2 },
  'destroy-key': { firstMs: 5 * SECOND, capMs: 10 * MINUTE, jitter: 0.2 },
};

/**
 * DPS counts by the minute, and a gateway cannot know how many others it throttles: it asks once in each of the windows, which
 * grow by a third. So a fleet of any size needs a third more than the quota at most, and DPS is asked 11 times in the first hour.
 */
const THROTTLED: Spread = { firstMs: 90 * SECOND, capMs: HOUR, factor: 4 / 3, jitter: 0.25, isEven: true };
/** The first window begins so long after the 429. */
const LEAST_MS = 5 * SECOND;

const throttledMs = (tries: number): number => (tries === 1 ? LEAST_MS : rungMs(THROTTLED, tries - 1));

/** Failures that have cost DPS nothing, and mostly mean that there is no network: when it is back, an hour is too long. */
const NEVER_THERE: ReadonlySet<Failure['code']> = new Set<Failure['code']>([
  'NL-DPS-UNREACHABLE',
  'NL-DPS-UNTRUSTED',
  'NL-NETWORK-PROXY',
  'NL-NETWORK-PROXY-AUTH',
  'NL-NETWORK-PROXY-REFUSED',
  'NL-NETWORK-PORTAL',
  'NL-NETWORK-WEBSOCKET',
]);

/** In the last minutes of a leaf the pause is still at least this, in milliseconds. */
const LEAST_HALF_MS = 10 * SECOND;
const LEAST_HALF_DPS_MS = 3 * MINUTE;

/**
 * The longest that a far side may ask for where nothing serves, with its jitter in milliseconds: one that says "tomorrow" may be well in a
 * minute, and does not know that the gateway is offline until then.
 */
const OFFLINE_MOST_MS = HOUR;

/** A failure as a gateway takes it that has no session, or none with a leaf that is valid. */
export function takenOffline(failure: Failure): Failure {
  const { retryAfterMs = 0 } = failure;
  const most = OFFLINE_MOST_MS / (1 + LADDERS.register.jitter);
  return retryAfterMs <= most ? failure : { ...failure, retryAfterMs: most };
}

/** Largest pause of any ladder or probe, in milliseconds: a renewal margin below three times this cannot work. */
export const LARGEST_PAUSE_MS = HOUR;

/** The same with its jitter. */
export const LONGEST_MS = 1.25 * LARGEST_PAUSE_MS;

/**
 * The pause in milliseconds before try number `tries` + 1, after `tries` failures in a row (1 or more). It is at least the
 * time that the other side asked for, but for an issuer and DPS at most a day, for a leaf that begins later an hour, and at most half of the leaf's remaining life; jitter
 * is added on top of it, never taken off.
 * @param draw in [0, 1): of a leaf that stays the same (`drawOf`) where a ladder spreads from rung to rung
 * @param remainingMs what is left of the leaf that must be replaced: the pause is never more than half of it
 * @param mostMs bounds the ladder, but not the far side
 */
export function pauseMs(
  effect: RollEffect['kind'],
  tries: number,
  failure: Failure,
  draw: number,
  remainingMs = Number.POSITIVE_INFINITY,
  mostMs = Number.POSITIVE_INFINITY,
): number {
  const isThrottled = failure.code === 'NL-DPS-THROTTLED';
  const { jitter, isEven, ...ladder } = isThrottled ? THROTTLED : LADDERS[effect];
  const capMs = effect === 'register' && NEVER_THERE.has(failure.code) ? 10 * MINUTE : ladder.capMs;
  const rungOf = (at: number): number => (isThrottled ? throttledMs(at) : rungMs({ ...ladder, capMs }, at));
  const rung = rungOf(tries);
  const half = Math.max(effect === 'register' ? LEAST_HALF_DPS_MS : LEAST_HALF_MS, remainingMs / 2);
  // An issuer that says "tomorrow" does not know that the leaf ends tonight, and one that says "in 30 years" is mistaken.
  const wanted = failure.retryAfterMs ?? 0;
  // Whose clock is wrong is not known, and one that has been set right is no reason to wait.
  const most = failure.code === 'NL-LEAF-NOT-YET' ? HOUR : DAY;
  // DPS spares a quota that a fleet shares: within an hour it is obeyed, whatever ends meanwhile.
  const least = effect === 'register' ? HOUR : 0;
  const asked =
    effect === 'request-leaf' || effect === 'register' ? Math.min(wanted, Math.max(half, least), most) : wanted;
  const later = isEven ? Math.max(rungOf(tries + 1) - rung, asked * jitter) : asked * jitter;
  const isOnTop = isEven || asked > rung;
  const pause = isOnTop ? Math.max(asked, rung) + later * draw : Math.max(asked, jittered(rung, jitter, draw));
  return Math.round(Math.max(asked, Math.min(pause, half, mostMs)));
}

/**
 * DPS is asked about a refused candidate again after 5 and 15 minutes, then every hour, in milliseconds. Jitter is only added:
 * a device that was disallowed asks DPS at most once an hour.
 */
export function probeMs(times: number, draw: number, remainingMs = Number.POSITIVE_INFINITY): number {
  const rung = [5 * MINUTE, 15 * MINUTE][times - 1] ?? HOUR;
  return Math.round(Math.min(rung * (1 + 0.15 * draw), Math.max(30 * SECOND, remainingMs / 2)));
}

/** Two leaves that are asked for by turns: each comes within 75 minutes, and DPS is asked 39 times a day, in milliseconds. */
export const turnMs = (draw: number): number => Math.round(37 * MINUTE * (1 + 0.013 * draw));

/**
 * How often the hub may refuse right after DPS said "assigned" before the refusal counts: 1, 2, 4 … 60 s add up to 5 minutes.
 * Right after a registry change CONNACK 5 can be transient for seconds to minutes (azure-iot-sdk-c issue 373).
 */
export const GRACE_REFUSALS = 10;

/** How long these refusals take at most, in milliseconds. */
export const GRACE_MS = 5 * MINUTE;
