import { failure } from '../failure/failure.ts';
import { failureFields } from '../machine/failure-fields.ts';
import type { Log } from '../machine/log.ts';
import type { Advance } from '../roll/advance.ts';
import { pauseMs, turnMs } from '../roll/backoff.ts';
import { hasLeaf } from '../roll/candidate.ts';
import { canGoBack, lacksKey, REGISTERING, remaining } from '../roll/look.ts';
import { drawOf } from '../roll/plan.ts';
import { comesAfterSession } from '../roll/poison.ts';
import type { RollEffect, RollEvent, RollState } from '../roll/state.ts';
import { Brake } from './brake.ts';
import { Lane, type LaneOptions, type Pacer } from './lane.ts';

interface LanesOptions extends LaneOptions {
  readonly log: Log;
  /** Nothing outside is asked for it. */
  readonly isFree: (effect: RollEffect) => boolean;
}

const LEAST_APART_MS = 30_000;

/** How long the work of a start waits for the session, in milliseconds. */
const SESSION_FIRST_MS = 60_000;

interface Pause {
  readonly ladderMs: number;
  /** The longest pause of the brake. */
  readonly mostMs: number;
  readonly pacer: Pacer;
}

/** The work, and the session with the current leaf: which effect is in flight, and after which pause. */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #brake = new Brake();
  readonly work: Lane;
  readonly session: Lane;
  readonly #startedAt: number;
  /** Kinds of effects whose brake has been logged. */
  readonly #told = new Set<RollEffect['kind']>();

  constructor(options: LanesOptions) {
    this.#options = options;
    const { clock } = options;
    this.#startedAt = clock.monotonic();
    const attempt = (effect: RollEffect, abort: AbortSignal) => {
      this.#brake.tried(effect.kind, clock.monotonic());
      return options.attempt(effect, abort);
    };
    this.work = new Lane({ ...options, attempt });
    this.session = new Lane({ ...options, attempt });
  }

  get isBraked(): boolean {
    return this.work.isBraked || this.session.isBraked;
  }

  /**
   * Puts the effects of a step in flight. A retry pauses only its own lane.
   * @param effects those of the step that need not wait
   */
  follow(before: RollState, step: Advance, event: RollEvent, effects = step.effects): void {
    const { retry, state } = step;
    const { clock } = this.#options;
    if (this.#brake.follow(before, step, event, clock.monotonic())) {
      this.#told.clear();
      this.hurry(['brake']);
    }
    const current = state.current?.thumbprint;
    const isSession = (effect: RollEffect) => effect.kind === 'connect' && effect.leaf.thumbprint === current;
    const failed = event.kind === 'failed' ? isSession(event.effect) : event.kind === 'lost';
    // It is open, the hub refuses its leaf, or it has no key.
    const isSessionOver = !effects.some(isSession) || lacksKey(state);
    const byTurns = state.online === undefined && hasLeaf(state.next) && canGoBack(state, event);
    for (const lane of [this.work, this.session]) {
      const session = lane === this.session;
      const effect = effects.find((one) => isSession(one) === session);
      if (effect === undefined) lane.set(undefined);
      else if (!lane.has(effect)) {
        const pauses = retry !== undefined && failed === session;
        const tries = Math.max(1, lane.tries(effect));
        const leftMs = remaining(state, event.at);
        const turn = effect.kind === 'register' && byTurns ? turnMs(event.draw) : undefined;
        // Each leaf has its own moment in a minute that a whole fleet waits for.
        const draw = 'leaf' in effect ? drawOf(`${effect.leaf.serial} ${effect.kind}`) : event.draw;
        const ladderMs = pauses ? pauseMs(effect.kind, tries, retry, draw, leftMs, turn) : 0;
        const waits = !session && !isSessionOver && comesAfterSession(state, effect);
        const sessionMs = waits ? Math.max(0, this.#startedAt + SESSION_FIRST_MS - clock.monotonic()) : 0;
        // The pause of a leaf that is not valid yet is counted by our own clock.
        const isAsked = pauses && retry.retryAfterMs !== undefined && retry.code !== 'NL-LEAF-NOT-YET';
        // As with the ladders, no pause takes more than half of the leaf's remaining life; renewals are 30 s apart at least.
        const mostMs = Math.max(LEAST_APART_MS, leftMs / 2);
        const pacer = isAsked ? 'far-side' : sessionMs > ladderMs ? 'session' : 'ladder';
        this.#put(lane, effect, { ladderMs: Math.max(ladderMs, sessionMs), mostMs, pacer });
      }
    }
    if (isSessionOver) this.work.hurry(['session']);
    // Its pause was planned beside an open session.
    const lacksSession = before.online !== undefined && byTurns;
    if (lacksSession && REGISTERING.has(state.phase)) this.work.shorten(turnMs(event.draw));
  }

  #put(lane: Lane, effect: RollEffect, { ladderMs, mostMs, pacer }: Pause): void {
    const { clock, log, isFree } = this.#options;
    const brakeMs = isFree(effect) ? 0 : Math.min(mostMs, this.#brake.pauseMs(effect.kind, clock.monotonic()));
    const isBraked = brakeMs > ladderMs;
    if (isBraked && !this.#told.has(effect.kind)) {
      this.#told.add(effect.kind);
      const fields = failureFields(failure('NL-BUDGET-BRAKED'));
      log.warn({ event: 'braked', action: effect.kind, ...fields, retryInMs: brakeMs });
    }
    lane.set(effect, Math.max(brakeMs, ladderMs), isBraked ? 'brake' : pacer);
  }

  hurry(of?: readonly Pacer[]): void {
    this.work.hurry(of);
    this.session.hurry(of);
  }

  end(): void {
    this.work.set(undefined);
    this.session.set(undefined);
  }
}
