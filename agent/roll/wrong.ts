import { advisedFor } from '../failure/advice.ts';
import { areaOf, CODES, type Code, type Failure, failure } from '../failure/failure.ts';
import { minute } from '../failure/minute.ts';
import { isEndorsed } from './leaf.ts';
import { lacksKey, REGISTERING, WAITING, waitsForPerson } from './look.ts';
import type { Alarm, RollState } from './state.ts';
import { alarmOf, clockFloor, isCredible, isDue, type Terms } from './terms.ts';
import { undestroyedIn } from './undestroyed.ts';

/**
 * What is wrong, a cause before its effects: clock; disk, token, state and names; leaf; candidate; far side; network. Status, exit
 * code, `systemctl status`, twin and log all tell this. It decides nothing: what is done is up to the plan (core/plan.ts).
 * @param now wall clock, milliseconds
 * @param others faults that the machine does not know: of the disk, of the first leaf, the brake
 * @param named that the leaf and the configuration have different names (misnamed.ts)
 */
export function wrongIn(
  state: RollState,
  terms: Terms,
  now: number,
  others: readonly Failure[] = [],
  named?: Failure,
): readonly Failure[] {
  const { next, workTrouble, sessionTrouble } = state;
  const clock = clockOf(state, terms, now);
  const leaf = expiryOf(state, terms, now, clock);
  const isEffect = effectOf(clock, isCredible(state, terms, now), leaf);
  const parked = next?.met;
  // A token that fails now is the cause of what the candidate met there.
  const all = [named, clock, leaf, workTrouble?.failure, sessionTrouble?.failure, ...others, parked];
  const causes = all.flatMap((one): Failure[] => (one === undefined || isEffect(one) ? [] : [one]));
  const isMissing = causes.length === 0 && needsPerson(state, terms, now);
  const held = undestroyedIn(state);
  if (held !== undefined && causes.every(({ code }) => code !== 'NL-TOKEN-OCCUPIED')) causes.push(held);
  const found =
    waitsForPerson(next, terms) || isMissing || waitsForDelivery(state, terms, now)
      ? [...causes, failure('NL-ISSUER-PERSON')]
      : causes;
  const rank = (one: Failure) => {
    // A server that is asked with the wrong name refuses.
    if (one === named) return SET_UP;
    return one === parked ? Math.min(rankOf(one), CANDIDATE) : rankOf(one);
  };
  return found
    .filter(({ code }, at) => found.findIndex((other) => other.code === code) === at)
    .toSorted((one, other) => rank(one) - rank(other))
    .map(advisedFor(terms.automatic));
}

/** The alarm, unless the present clock contradicts it: it may have been raised by a clock that was ahead. */
export const presentAlarm = (state: RollState, terms: Terms, now: number): Alarm | undefined =>
  state.alarm && alarmOf(state, terms, now);

const ONBOARDING: ReadonlySet<Code> = new Set(['NL-ONBOARDING-KEY', 'NL-ONBOARDING-LEAF', 'NL-ONBOARDING-EXPIRED']);

/** A person must act: stranded, parked, or without a valid leaf where only a person brings one. */
export function needsPerson(state: RollState, terms: Terms, now: number, others: readonly Failure[] = []): boolean {
  // Without a session, a gateway that DPS does not know any more has no other way left.
  if (state.online === undefined && others.some(({ code }) => ONBOARDING.has(code))) return true;
  const { phase, next, workTrouble } = state;
  // DPS does not know the gateway: its leaf serves, and nothing replaces it.
  if (workTrouble !== undefined && ONBOARDING.has(workTrouble.failure.code)) return true;
  // A candidate without an answer waits for the network only.
  const met = next?.met;
  if (state.stranded || (met !== undefined && met.kind !== 'transient')) return true;
  // A token that is full, or whose vendor's program fails, does not mend itself.
  const needsToken = WAITING.has(phase) || REGISTERING.has(phase);
  if (needsToken && workTrouble?.failure.kind === 'broken') return true;
  if (phase === 'unprovisioned') return !terms.automatic && terms.attestation === 'x509';
  return waitsForDelivery(state, terms, now);
}

/** The leaf is due, or its key is lost, and only a person brings another. */
function waitsForDelivery(state: RollState, terms: Terms, now: number): boolean {
  if (terms.automatic || state.current === undefined || isEndorsed(state.current)) return false;
  if (lacksKey(state) || state.isKeyLost) return true;
  return isDue(state, terms, now) && clockOf(state, terms, now) === undefined;
}

/** newleaf goes on trying, so they count as passing; but each time something is to be looked at. */
const LOOK: ReadonlySet<Code> = new Set<Code>([
  'NL-CLOCK',
  'NL-LEAF-EXPIRING',
  'NL-LEAF-NOT-YET',
  'NL-DPS-ALLOCATION',
  'NL-DPS-SCOPE',
  'NL-DPS-UNTRUSTED',
  'NL-HUB-UNTRUSTED',
  'NL-HUB-FLAPPING',
  'NL-EST-UNTRUSTED',
  'NL-NETWORK-PROXY-AUTH',
  'NL-NETWORK-PROXY-REFUSED',
  'NL-NETWORK-PORTAL',
  'NL-NETWORK-WEBSOCKET',
  'NL-NETWORK-IDLE',
  'NL-EST-BODY',
  'NL-AZURE-BODY',
  'NL-AZURE-PACE',
  'NL-ONBOARDING-EXPIRING',
  'NL-CMD-FAILED',
  'NL-BUDGET-BRAKED',
  'NL-INTERNAL',
]);

/** Whether something must be done: it does not pass by itself. */
export const needsAction = (code: Code): boolean => CODES[code].kind !== 'transient' || LOOK.has(code);

const SET_UP = 1;
const CANDIDATE = 3;

/** By the beginning of the code, and where a server is not reached by its end. */
const RANKS: readonly (readonly [RegExp, rank: number])[] = [
  [/^NL-CLOCK/, 0],
  [/^NL-(STATE|TOKEN|TPM|CONFIG|CONTROL|DAEMON)-?/, SET_UP],
  [/^NL-(LEAF-EXPIR|ONBOARDING-(KEY|LEAF|EXPIRED))/, 2],
  [/^NL-(LEAF|ISSUER)-/, CANDIDATE],
  [/-(UNREACHABLE|UNTRUSTED|CLOSED|TIMEOUT)$|^NL-NETWORK-/, 5],
  [/^NL-(DPS|HUB|EST|CMD|AZURE)-/, 4],
];

const rankOf = ({ code }: Failure): number => RANKS.find(([pattern]) => pattern.test(code))?.[1] ?? 6;

/** The verdict of node on a server's certificate: its code, or the words of the HTTPS client. */
const EXPIRED = /CERT_HAS_EXPIRED|certificate has expired/;

const AHEAD_ADVICE =
  'Run `newleaf check clock`: it asks a server for the time. If the clock is right, call the operator of that server, or of a proxy in between.';

/**
 * That no clock is before the floor is certain. That one is ahead can only be suspected: every server certificate seems to have
 * expired then. Azure renews those of DPS and hub in time; that of an EST server may be forgotten, so it counts only together
 * with the leaf.
 */
function clockOf(state: RollState, terms: Terms, now: number): Failure | undefined {
  if (!isCredible(state, terms, now)) {
    const message = `The clock is wrong: it cannot be before ${minute(clockFloor(state, terms))}. Until it is right, no server can be trusted, and nothing is renewed or judged expired.`;
    return failure('NL-CLOCK', { message });
  }
  const { current, next } = state;
  const met = [state.workTrouble?.failure, state.sessionTrouble?.failure, next?.met];
  const distrust = met.find((one) => one !== undefined && EXPIRED.test(one.cause ?? ''));
  if (distrust === undefined) return undefined;
  const isLeafExpired = current !== undefined && !isEndorsed(current) && now >= current.notAfter;
  if (areaOf(distrust) === 'EST' && !isLeafExpired) return undefined;
  const server = areaOf(distrust) === 'HUB' ? 'the hub' : areaOf(distrust);
  const both = isLeafExpired ? `the certificate of ${server} and the leaf have` : `the certificate of ${server} has`;
  const message = `The clock seems to be ahead: by it ${both} expired.`;
  return failure('NL-CLOCK', { message, advice: AHEAD_ADVICE });
}

function expiryOf(state: RollState, terms: Terms, now: number, clock: Failure | undefined): Failure | undefined {
  const alarm = presentAlarm(state, terms, now);
  const { current, next, workTrouble } = state;
  if (alarm === undefined || current === undefined) return undefined;
  const when = minute(current.notAfter);
  if (alarm !== 'expired') {
    const why = terms.renewAt === 'off' ? 'nothing renews it: leaf.renew_at is "off"' : 'its renewal is overdue';
    return failure('NL-LEAF-EXPIRING', { message: `The leaf expires on ${when}, and ${why}.` });
  }
  const message = `The leaf expired on ${when} by the clock of this gateway, and no new one has come.`;
  const first =
    clock !== undefined
      ? 'If the clock is right'
      : (workTrouble ?? next?.met) && 'The reason is named beside it. Or bring one yourself';
  const advice = `${first}: \`newleaf csr\`, have it signed, then \`newleaf install FILE\`.`;
  return failure('NL-LEAF-EXPIRED', { message, ...(first !== undefined && { advice }) });
}

/** A wrong clock makes servers and new leaves seem invalid, and an expired leaf makes the hub end the handshake. */
function effectOf(clock: Failure | undefined, credible: boolean, leaf: Failure | undefined) {
  return ({ code, cause = '' }: Failure): boolean => {
    if (clock !== undefined && EXPIRED.test(cause)) return true;
    if (!credible && /-UNTRUSTED$|-NOT-YET$/.test(code)) return true;
    return leaf?.code === 'NL-LEAF-EXPIRED' && code === 'NL-HUB-CLOSED';
  };
}
