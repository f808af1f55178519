import { LARGEST_PAUSE_MS } from './backoff.ts';
import type { Leaf } from './leaf.ts';
import { ALARMS, type Alarm, type RollState } from './state.ts';

/** When to renew: a share of the lifetime, a time left in milliseconds, or never. */
export type RenewAt = { readonly share: number } | { readonly leftMs: number } | 'off';

/** The constants of the rules, from configuration and build. */
export interface Terms {
  /** With a TPM there is no leaf: nothing is rolled, due, or delivered, and the gateway registers again instead. */
  readonly attestation: 'x509' | 'tpm';
  /**
   * What the hub trusts: the leaf that DPS has registered, also with a group enrollment; or every leaf of a CA, where Azure issues
   * them. There no registration makes a hub accept a leaf that it refuses: DPS says only which hub, and never sees the leaf.
   */
  readonly trust: 'leaf' | 'ca';
  /** The issuer needs no person. */
  readonly automatic: boolean;
  /** A leaf is renewed with the key that it has (leaf.rotate_key = false). */
  readonly keepKey: boolean;
  readonly renewAt: RenewAt;
  /** Wall clock of the build, milliseconds: no earlier clock is credible. */
  readonly builtAt: number;
  readonly requestsPerHour: number;
  readonly burst: number;
  readonly minRollIntervalMs: number;
  /** ID scope, registration ID and endpoint as one string: when it changes, the leaf must be registered again. */
  readonly registered: string;
}

/** The share of a lifetime over which the renewals of a fleet are spread. */
const SPREAD_SHARE = 0.05;

/**
 * The planned moment of renewal (wall clock, milliseconds), or undefined where it is switched off. The jitter is drawn once
 * from the serial, so that `status` can print the moment, and a fleet that was provisioned in one minute does not come back in
 * one minute.
 */
export function dueAt(leaf: Pick<Leaf, 'notBefore' | 'notAfter' | 'serial'>, renewAt: RenewAt): number | undefined {
  if (renewAt === 'off') return undefined;
  const lifetime = leaf.notAfter - leaf.notBefore;
  const latest = 'share' in renewAt ? leaf.notBefore + lifetime * renewAt.share : leaf.notAfter - renewAt.leftMs;
  return Math.round(latest - lifetime * SPREAD_SHARE * drawOf(leaf.serial));
}

const HOUR = 3_600_000;
const RENEWAL_UNITS = [
  ['day', 24 * HOUR, 1],
  ['hour', HOUR, (3 * LARGEST_PAUSE_MS) / HOUR],
] as const;

/**
 * The leaf.renew_at, as it is written, under which leaves such as this one are not due when they come, whatever their serial:
 * in the middle of the time that is left. Undefined where there is none: they begin too long ago.
 */
export function fittingRenewal({ notBefore, notAfter }: Pick<Leaf, 'notBefore' | 'notAfter'>, usable: number) {
  const lifetime = notAfter - notBefore;
  const leftMs = (notAfter - usable - lifetime * SPREAD_SHARE) / 2;
  for (const [unit, unitMs, least] of RENEWAL_UNITS)
    if (leftMs >= unitMs * least) return `"${Math.floor(leftMs / unitMs)}${unit}"`;
  const percent = Math.ceil(100 * (1 - leftMs / lifetime));
  return leftMs > 0 && percent < 100 ? `"${percent}%"` : undefined;
}

/** The draw of each leaf, once and for all: FNV-1a over the serial, as a number in [0, 1). */
export function drawOf(serial: string): number {
  let hash = 0x811c9dc5;
  for (const digit of serial) hash = Math.imul(hash ^ digit.charCodeAt(0), 0x01000193) >>> 0;
  return hash / 2 ** 32;
}

/** From this moment (wall clock, milliseconds) half of the time is gone that a renewal had: any way is better than none. */
export function lastResortAt(leaf: Leaf, renewAt: RenewAt): number {
  return ((dueAt(leaf, renewAt) ?? leaf.notAfter) + leaf.notAfter) / 2;
}

type Seen = Pick<RollState, 'lastSeen' | 'current'>;

/** No clock before the newest of these can be right: the build, the last proven server, the notBefore of our own leaf. */
export function clockFloor({ lastSeen, current }: Seen, { builtAt }: Pick<Terms, 'builtAt'>): number {
  return Math.max(builtAt, lastSeen ?? 0, current?.notBefore ?? 0);
}

export function isCredible(state: Seen, terms: Pick<Terms, 'builtAt'>, now: number): boolean {
  return now >= clockFloor(state, terms);
}

/** NTP sets a clock within this time or not at all, in milliseconds. */
const DOUBT_MS = 15 * 60_000;

/**
 * Whether this clock may be right: for a SAS token, and to judge what another process noted. The moment of the last server was
 * read from this clock, too, which may have been ahead then (a battery that fails, local time taken for UTC): it counts against
 * the clock only while NTP may still correct it. Otherwise a gateway with a corrected clock could not connect until that moment.
 * @param upMs how long the process has been running
 */
export function mayBeRight(state: Seen, terms: Pick<Terms, 'builtAt'>, now: number, upMs: number): boolean {
  return upMs < DOUBT_MS ? isCredible(state, terms, now) : now >= terms.builtAt;
}

export function isDue(state: Pick<RollState, 'current'>, terms: Pick<Terms, 'renewAt'>, now: number): boolean {
  const due = state.current && dueAt(state.current, terms.renewAt);
  return state.current !== undefined && (now >= state.current.notAfter || (due !== undefined && now >= due));
}

const ALARM_MS: Record<Alarm, number> = {
  '28day': 672 * HOUR,
  '7day': 168 * HOUR,
  '3day': 72 * HOUR,
  '1day': 24 * HOUR,
  '12hour': 12 * HOUR,
  '1hour': HOUR,
  expired: 0,
};

/**
 * How near the end of the current leaf is, once the moment of its renewal has passed: before that nothing is wrong, however
 * short the leaf lives. With renewal switched off the second half of its life counts as overdue.
 */
export function alarmOf(state: Seen, terms: Terms, now: number): Alarm | undefined {
  const { current } = state;
  if (current === undefined || !isCredible(state, terms, now)) return undefined;
  const due = dueAt(current, terms.renewAt) ?? (current.notBefore + current.notAfter) / 2;
  if (now <= due) return undefined;
  const window = current.notAfter - due;
  const left = current.notAfter - now;
  return ALARMS.findLast((alarm) => left <= ALARM_MS[alarm] && ALARM_MS[alarm] < window);
}
