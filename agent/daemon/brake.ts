import type { Code } from '../failure/failure.ts';
import type { Advance } from '../roll/advance.ts';
import { doneBy, type RollEffect, type RollEvent, type RollState } from '../roll/state.ts';

type Kind = RollEffect['kind'];

/** A burst, and one more after each `everyMs` milliseconds. */
interface Allowance {
  readonly burst: number;
  readonly everyMs: number;
}

const MINUTE = 60_000;

/**
 * Effects that the rules start at once, without a pause. A first registration after a refusal, the roll that may cure it, and
 * going back are three or four. From then on so few that no day has more than 40: this does not slow the probes of a stranded gateway. A key is
 * destroyed only after another was made.
 */
const ENDED: Readonly<Partial<Record<Kind, Allowance>>> = {
  register: { burst: 4, everyMs: 37 * MINUTE },
  'request-leaf': { burst: 6, everyMs: 36 * MINUTE },
  'generate-key': { burst: 6, everyMs: 36 * MINUTE },
  // A link that drops each minute is connected again each minute.
  connect: { burst: 30, everyMs: MINUTE },
};

/** Every attempt, also those that a ladder paces: more than a ladder allows, so this acts only on ladders cut short. */
const TRIED: Readonly<Partial<Record<Kind, Allowance>>> = {
  register: { burst: 12, everyMs: 6 * MINUTE },
  'request-leaf': { burst: 12, everyMs: 6 * MINUTE },
  'generate-key': { burst: 16, everyMs: 3 * MINUTE },
};

/** A look into the token has ended it: neither DPS nor the issuer has heard of it, and no key was made. */
const FOUND_OUT: ReadonlySet<Code> = new Set<Code>(['NL-TOKEN-KEY', 'NL-TOKEN-OCCUPIED']);

/** Each request gets at least so much of every allowance: a registration, a roll, and going back. */
const CREDIT = 4;

/**
 * In milliseconds, after two registrations in a row that DPS has accepted: there is nothing to find out. Where it refuses one of
 * two leaves, they are asked for by turns, each within 75 minutes.
 */
const ACCEPTED_MS = 40 * MINUTE;

/** A session that was held for so long, in milliseconds, was worth its cost. A back end that forgets a device may do so often. */
const HELD_MS = 60 * MINUTE;

/** A token bucket. */
class Bucket {
  readonly #allowance: Allowance;
  #left: number;
  #at = 0;
  #everyMs: number;

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
    this.#left = allowance.burst;
    this.#everyMs = allowance.everyMs;
  }

  get burst(): number {
    return this.#allowance.burst;
  }

  /** @param everyMs of what flows back from here on */
  spend(now: number, everyMs = this.#allowance.everyMs): void {
    this.#left = Math.max(0, this.#levelAt(now) - 1);
    this.#at = now;
    this.#everyMs = everyMs;
  }

  fill(least: number, now: number): void {
    this.#left = Math.max(least, this.#levelAt(now));
    this.#at = now;
  }

  waitMs(now: number): number {
    return Math.round(Math.max(0, 1 - this.#levelAt(now)) * this.#everyMs);
  }

  #levelAt(now: number): number {
    return Math.min(this.#allowance.burst, this.#left + (now - this.#at) / this.#everyMs);
  }
}

/**
 * Slows down work that is repeated without progress, whatever the rules say: a defect in them may cost a day, but neither the
 * quota of DPS nor the token. Counts by the monotonic clock, and is lost at a restart, which is paced itself. Progress is
 * another leaf that serves, or a session that was held.
 */
export class Brake {
  readonly #ended = bucketsOf(ENDED);
  readonly #tried = bucketsOf(TRIED);
  #wasAccepted = false;
  #openedAt = 0;

  /** An attempt begins. */
  tried(kind: Kind, now: number): void {
    this.#tried.get(kind)?.spend(now);
  }

  /** Looks at the result of a step. @returns whether there was a request, or progress */
  follow(before: RollState, { state, decision, retry }: Advance, event: RollEvent, now: number): boolean {
    const kind = event.kind === 'failed' ? event.effect.kind : doneBy(event);
    const isUnheard = event.kind === 'failed' && FOUND_OUT.has(event.failure.code);
    // Where there is a pause before the next attempt, the ladder paces it.
    if (kind !== undefined && retry === undefined && !isUnheard)
      this.#ended.get(kind)?.spend(now, this.#everyMs(kind, event.kind === 'registered'));
    const held = before.online !== undefined && state.online !== before.online && now - this.#openedAt >= HELD_MS;
    if (state.online !== before.online) this.#openedAt = now;
    const isAsked = event.kind === 'asked' || event.kind === 'csr-asked' || event.kind === 'leaf-delivered';
    const begins = decision !== undefined && 'reason' in decision && decision.reason === 'asked';
    const another = before.current !== undefined && state.current?.thumbprint !== before.current.thumbprint;
    if (another || held) this.#fill(Number.POSITIVE_INFINITY, now);
    else if (begins || (isAsked && state !== before)) this.#fill(CREDIT, now);
    else return false;
    return true;
  }

  /** How long the next attempt has to wait, in milliseconds. */
  pauseMs(kind: Kind, now: number): number {
    return Math.max(0, ...[this.#ended, this.#tried].map((buckets) => buckets.get(kind)?.waitMs(now) ?? 0));
  }

  #everyMs(kind: Kind, isAccepted: boolean): number | undefined {
    if (kind !== 'register') return undefined;
    const areAccepted = isAccepted && this.#wasAccepted;
    this.#wasAccepted = isAccepted;
    return areAccepted ? ACCEPTED_MS : undefined;
  }

  #fill(least: number, now: number): void {
    for (const bucket of [...this.#ended.values(), ...this.#tried.values()])
      bucket.fill(Math.min(least, bucket.burst), now);
  }
}

const bucketsOf = (allowances: Readonly<Partial<Record<Kind, Allowance>>>): ReadonlyMap<Kind, Bucket> =>
  new Map(Object.entries(allowances).map(([kind, allowance]) => [kind as Kind, new Bucket(allowance)]));
