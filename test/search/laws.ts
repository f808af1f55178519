import type { Status } from '../../agent/roll/report.ts';
import { type Gateway, HOUR, MINUTE } from './gateway.ts';
import { SLOW_MS } from './registration.ts';
import type { Call } from './world.ts';

interface Bound {
  readonly call: Call;
  /** At most so many in any hour in which nothing outside changes … */
  readonly anHour: number;
  /** … and so many more for each change outside, or command, of that hour and the one before. */
  readonly aChange: number;
  readonly because: string;
}

/** How often the outside may be asked, whatever is wrong. */
export const BOUNDS: readonly Bound[] = [
  {
    call: 'reach DPS',
    // A candidate that DPS refuses or does not answer, the current leaf by turns, and a new candidate in between; in the last hour
    // of a leaf the pauses halve.
    anHour: 14,
    aChange: 8,
    because:
      'an instance of DPS takes 1,000 registrations a minute from all gateways together: a fleet that asks more blocks itself',
  },
  {
    call: 'register',
    // One key for both leaves, and the token signs for the one that serves: six handshakes for each leaf that is issued.
    anHour: 24,
    aChange: 12,
    because: 'a registration that no DPS answers costs nothing but a handshake that is signed in the token',
  },
  { call: 'issue', anHour: 20, aChange: 8, because: 'a CA is for a site, and signs in an HSM of its own' },
  {
    call: 'connect',
    anHour: 150,
    aChange: 20,
    because: 'a hub that is back is met within a minute: by the current leaf, and by a candidate beside it',
  },
  {
    call: 'write',
    anHour: 40,
    // In the last hour of a leaf the pauses of a roll that fails halve, and each round writes eight times.
    aChange: 24,
    because: 'flash wears out: 50 writes a day leave it its ten years',
  },
  {
    call: 'generate',
    anHour: 30,
    aChange: 8,
    because: 'a TPM makes a key in half a minute, and serves handshakes meanwhile',
  },
  {
    call: 'destroy',
    // Each of the keys that an issuer wants anew.
    anHour: 20,
    aChange: 8,
    because: 'a key that the token keeps is tried five times, and then once a day',
  },
];

/** Without a pause between them nothing comes so often in a minute: two ladders that begin anew have seven rungs each. */
const RUNGS = 7;
const IN_A_MINUTE = 2 * RUNGS;

/** The rates that were too high, each with its moment. @param changes moments at which something outside changed */
export function tooOften(
  calls: Readonly<Record<Call, readonly number[]>>,
  changes: readonly number[],
): readonly string[] {
  const broken: string[] = [];
  for (const { call, anHour, aChange, because } of BOUNDS) {
    const moments = calls[call];
    const worst = (windowMs: number, allowed: (from: number, to: number) => number) => {
      for (let first = 0, last = 0; last < moments.length; last += 1) {
        const to = moments[last] as number;
        while ((moments[first] as number) <= to - windowMs) first += 1;
        const count = last - first + 1;
        if (count > allowed(to - windowMs, to)) return `${count} times "${call}" before ${(to / HOUR).toFixed(2)} h`;
      }
      return undefined;
    };
    const changed = (from: number, to: number) => changes.filter((at) => at > from - HOUR && at <= to).length;
    const hour = worst(HOUR, (from, to) => anHour + aChange * changed(from, to));
    if (hour !== undefined) broken.push(`${hour} in an hour: ${because}`);
    // What a change calls for, a key and its leaf, is there some minutes later.
    // The leaf of a key that is made within it has a ladder of its own.
    const made = (from: number, to: number) => calls.generate.filter((at) => at > from && at <= to).length;
    const minute = worst(
      MINUTE,
      (from, to) => IN_A_MINUTE + RUNGS * made(from, to) + 4 * changed(from + HOUR - 4 * MINUTE, to),
    );
    if (minute !== undefined) broken.push(`${minute} in a minute: no effect is without a pause`);
  }
  return broken;
}

/** Every certificate is one that Azure counts: so many within any hour, or within half of the life of leaves that live for less. */
const LEAVES = 3;

/** Leaves that Azure issued. A clock that was set has made the gateway forget. */
export function tooManyLeaves({ world: { azure, options }, clock }: Gateway): readonly string[] {
  const made = (azure?.made ?? []).toSorted((one, other) => one - other);
  // newleaf counts when it asks, and DPS issues when it answers.
  const windowMs = Math.min(HOUR, options.lifetimeMs / 2) - SLOW_MS;
  const worst = made.find((at, index) => {
    const first = made[index - LEAVES];
    const isSteady = first !== undefined && clock.steps.every((step) => step < first - HOUR || step > at);
    return isSteady && first > at - windowMs;
  });
  return worst === undefined
    ? []
    : [`more than ${LEAVES} certificates in the ${windowMs / MINUTE} minutes before ${(worst / HOUR).toFixed(2)} h`];
}

/** How long a way that is open may stay untried: two probes by turns, with their jitter. */
export const PATIENCE_MS = 80 * MINUTE;

/**
 * Whether some leaf that the journal knows would serve for the time of our patience: its key is there, DPS would assign, and
 * that hub would accept. Then the gateway has no reason to stay away.
 */
export function canServe({ world, known, daemon }: Gateway): boolean {
  const { hubOddly, hubLags, dpsOddly } = world.faults;
  // A process that can use no token ends, and what DPS or the hub do oddly may be no way for any leaf.
  if (known === undefined || daemon === undefined || !world.allowsSessions || hubOddly === 'mute') return false;
  if (hubLags !== undefined || dpsOddly !== undefined || world.faults.issuing === 'mqttV5') return false;
  if (world.azure?.handshake() !== undefined) return false;
  return [known.current, known.next?.leaf].some(
    (leaf) =>
      leaf !== undefined &&
      world.isLive(leaf, PATIENCE_MS) &&
      world.handshakeOf(leaf) === undefined &&
      world.refusalOf(leaf) === undefined &&
      world.rejectionOf(leaf, world.assigns) === undefined,
  );
}

/** A failure may be told this late, in milliseconds: the next attempt is under way. */
const TELL_MS = 2 * MINUTE;
/**
 * What was met by a clock that has been set since is not told any more. The clock is looked at once a minute, and an issuer may
 * take nine minutes for the next attempt.
 */
const TELL_ANEW_MS = 11 * MINUTE;

/** While work fails, `status` names its cause in every minute. @returns the law where it is broken */
export function untold({ log, clock }: Gateway, { wrong }: Status): string | undefined {
  const { failing } = log;
  if (failing === undefined) return undefined;
  const now = clock.monotonic();
  if (now - failing.at < TELL_MS || now - (clock.steps.at(-1) ?? Number.NEGATIVE_INFINITY) < TELL_ANEW_MS)
    return undefined;
  const codes = wrong.map(({ code }) => code);
  // A wrong clock is the cause of what is met.
  if (codes.includes('NL-CLOCK') || codes.includes(failing.code as never)) return undefined;
  const said = codes.length === 0 ? 'nothing' : codes.join(', ');
  return `work fails, and status does not name its cause: ${failing.effect} met ${failing.code}, status says ${said}`;
}
