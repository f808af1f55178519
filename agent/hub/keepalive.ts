import { type Failure, Fault, failure } from '../failure/failure.ts';
import { type PingTimes, type Quiet, USUAL } from '../mqtt/pings.ts';

/** The least time between two pings, in milliseconds: some 3.5 MB a day. No box is known that ends connections sooner. */
export const LEAST_PING_MS = 5_000;
/** How long a limit is believed, in milliseconds: for the next session after that, it is looked for again. */
const BELIEVED_MS = 86_400_000;
/** After this the next session begins where no keepalive helps, in milliseconds: at most 96 times a day. */
const REST_MS = 15 * 60_000;
/** Two silences are alike where the shorter one is at least this share of the longer: a box looks at its clock now and then. */
const ALIKE = 0.9;
/** Of the silence that was not allowed. Where only a ping after it had no answer, the limit is anywhere below. */
const SHARE = 0.75;
const SHARE_UNANSWERED = 0.5;

export interface IdleKnown {
  /** The silence that ends sessions, in milliseconds, and when that was found (monotonic, in milliseconds). */
  readonly limit?: { readonly ms: number; readonly at: number; readonly isUnanswered: boolean };
  readonly pingMs: number;
  /** The silence in which the last session ended, in milliseconds. */
  readonly suspect?: number;
}

/** `shorter`: a box ends silent sessions, and pings go out before it does. `helpless`: it does so before the least time. */
export type IdleFinding = 'nothing' | 'shorter' | 'helpless';

/**
 * What the end of a session says about the way. A box that ends idle connections does so twice in a row after nearly the same
 * silence, one that no session outlived before. A second device, or a hub whose quota is used up, ends sessions at any moment:
 * also in the middle of pings that have their answers, so a shorter time between pings shows that it is no box.
 * @param least from ping to ping, in milliseconds
 */
export function learn(known: IdleKnown, end: Quiet, least: number, at: number): readonly [IdleKnown, IdleFinding] {
  const { pingMs, limit, suspect } = known;
  const { idleMs, isUnanswered, outlivedMs } = end;
  const before: IdleKnown = { pingMs, ...(limit && { limit }) };
  if (idleMs < least || outlivedMs >= ALIKE * idleMs) return [before, 'nothing'];
  const isSecond = suspect !== undefined && Math.min(suspect, idleMs) >= ALIKE * Math.max(suspect, idleMs);
  // Where pings without an answer have told a box, the next one tells that its limit is lower still.
  const isBelow = isUnanswered && limit?.isUnanswered === true && pingMs > least;
  if (!isSecond && !isBelow) return [{ ...before, suspect: idleMs }, 'nothing'];
  const found = { ms: idleMs, at, isUnanswered };
  if (pingMs <= least) return [{ pingMs, limit: found, suspect: idleMs }, 'helpless'];
  const share = isUnanswered ? SHARE_UNANSWERED : SHARE;
  return [{ pingMs: Math.max(least, Math.min(idleMs, pingMs) * share), limit: found }, 'shorter'];
}

/**
 * The keepalive of the sessions with the hub: a box on the way that ends idle connections makes it shorter. It is one for all
 * ways, as one that is too short for a way costs some pings only, and it is kept in memory: a gateway may have moved meanwhile.
 */
export class Keepalive {
  readonly #most: number;
  readonly #least: number;
  readonly #answerMs: number;
  readonly #now: () => number;
  #known: IdleKnown;

  /**
   * @param most network.keepalive, in milliseconds
   * @param now monotonic, in milliseconds
   * @param answerMs how long the answer to a ping may take
   */
  constructor(
    most = USUAL.promisedMs,
    now = () => performance.now(),
    { least = LEAST_PING_MS, answerMs = USUAL.answerMs } = {},
  ) {
    this.#most = most;
    this.#least = least;
    this.#answerMs = answerMs;
    this.#now = now;
    this.#known = { pingMs: most };
  }

  /** A session begins. */
  begin(): PingTimes {
    const { limit } = this.#known;
    if (limit !== undefined && this.#now() - limit.at >= BELIEVED_MS) this.#known = { pingMs: this.#most };
    return { promisedMs: this.#most, everyMs: this.#known.pingMs, answerMs: this.#answerMs };
  }

  /** A connect has failed, with this error. Where the hub was not reached, the session before was ended by an outage. */
  readonly failed = (error: unknown): never => {
    const { suspect: _, ...known } = this.#known;
    if (error instanceof Fault && error.failure.kind === 'transient') this.#known = known;
    throw error;
  };

  /**
   * A session ended by itself.
   * @returns NL-NETWORK-IDLE where a box ended it; with a pause where newleaf can do nothing about it
   */
  ended(end: Quiet): Failure | undefined {
    const [known, found] = learn(this.#known, end, this.#least, this.#now());
    this.#known = known;
    if (found === 'nothing') return undefined;
    const isCured = found === 'shorter';
    const pings = `newleaf pings every ${seconds(known.pingMs)} s`;
    const but = isCured ? `so from now on ${pings}` : `although ${pings}, and not more often`;
    const message = `${MEANS} ${seconds(end.idleMs)} s, ${but}.`;
    return failure('NL-NETWORK-IDLE', { message, ...(!isCured && { retryAfterMs: REST_MS }) });
  }

  /** For `status`. */
  get told(): { readonly seconds: number; readonly idleLimitSeconds?: number } {
    const { pingMs, limit } = this.#known;
    return { seconds: seconds(pingMs), ...(limit && { idleLimitSeconds: seconds(limit.ms) }) };
  }
}

const MEANS = 'A proxy, a firewall or a NAT on the way to the hub ends connections that are idle for';
const seconds = (ms: number): number => Math.round(ms / 1_000);
