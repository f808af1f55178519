import { createAnswerer } from './answer.ts';
import type { Clock } from './clock.ts';
import { type Entry, entryOf } from './entry.ts';
import type { Journal } from './journal.ts';
import { Lane } from './lane.ts';
import { failureFields, type Log } from './log.ts';
import type { Notify } from './notify.ts';
import { type Happened, perform } from './perform.ts';
import { Publication } from './publication.ts';
import { Queue } from './queue.ts';
import { type Advance, advance } from './roll/advance.ts';
import { pauseMs } from './roll/backoff.ts';
import type { Failure } from './roll/failure.ts';
import type { Leaf } from './roll/leaf.ts';
import { nextMoment, type Terms } from './roll/plan.ts';
import { isSuspect } from './roll/poison.ts';
import type { Answerer, Ports } from './roll/ports.ts';
import { iso, lineOf, type ReportOptions, statusOf, twinOf, wordsOf } from './roll/report.ts';
import { remaining } from './roll/settle.ts';
import { effectsOf, type RollEffect, type RollState, unprovisioned } from './roll/state.ts';
import { failureOf } from './thrown.ts';
import { Transcript } from './transcript.ts';
import { Vitals } from './vitals.ts';

/** The clock is looked at this often, so that a step of it is noticed. */
const LOOK_MS = 60_000;
/** So long a start waits for the hub before it tries what has cost the process before it. */
const SUSPECT_MS = 60_000;
/** Wall clock and monotonic clock drift apart by less than this between two looks, unless one of them was set. */
const STEP_MS = 5_000;

export interface DaemonOptions {
  readonly ports: Ports;
  readonly journal: Journal<Entry>;
  readonly clock: Clock;
  /** A random number in [0, 1). */
  readonly draw: () => number;
  readonly log: Log;
  readonly notify: Notify;
  readonly terms: Terms;
  readonly version: string;
  readonly registrationId: string;
  /** A leaf may be renewed with the key that it has. */
  readonly keepKey: boolean;
  /** Object labels are this with `-a` and `-b`. */
  readonly labelPrefix: string;
  /** The leaf of a key that was in the token before us, if one is configured. */
  readonly given: () => Promise<Leaf | undefined>;
  /** Writes the files that are derived from the state, for others to read; those of `before` are there already. */
  readonly publish: (state: RollState, before?: RollState) => Promise<void>;
}

/** `stopped`: told to. `restart`: the module has lost its state, and only a new process heals it. */
export type Ending = 'stopped' | 'restart';

interface Input {
  readonly happened: Happened;
  /** Frees the lane that the event came from. */
  readonly landed?: () => void;
  /** Hears what the rules made of it, once that is on disk. */
  readonly reply?: (answered: Advance | Failure) => void;
}

/** The loop: one event at a time. It owns order and sleeping, and no policy. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #inbox = new Queue<Input>();
  readonly #work: Lane;
  readonly #session: Lane;
  readonly #transcript: Transcript;
  readonly #vitals: Vitals;
  readonly #publication: Publication;
  readonly answer: Answerer;
  #state: RollState = unprovisioned;
  #ending: Ending = 'stopped';
  #why: Failure | undefined;
  /** On the monotonic clock. */
  #startedAt = 0;
  /** The sleep until the next look at the clock: its end by the monotonic clock, and what cuts it short. */
  #nap = { end: 0, abort: new AbortController() };
  /** Wall clock of the last look. What had come by then waits for something else, and is looked at again like everything. */
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: DaemonOptions) {
    this.#options = options;
    const { clock, ports, terms } = options;
    const attempt = (effect: RollEffect, abort: AbortSignal) => {
      const work = () => perform(effect, ports, terms.registered, abort);
      if (!shakesHands(effect)) return work();
      const guarded = this.#vitals.guard(work);
      this.#lookSooner();
      return guarded;
    };
    const happened = (event: Happened, landed: () => void) => this.#inbox.push({ happened: event, landed });
    this.#work = new Lane(clock, attempt, happened);
    this.#session = new Lane(clock, attempt, happened);
    this.#transcript = new Transcript(options.log, terms.attestation);
    this.#publication = new Publication(options);
    this.#vitals = new Vitals(options.notify, options.log, [this.#work, this.#session]);
    this.answer = createAnswerer({
      state: () => this.#state,
      report: () => this.#reportOptions(),
      post: (event) => new Promise((resolve) => this.#inbox.push({ happened: event, reply: resolve })),
      hurry: () => this.#hurry(),
      changed: (listener) => this.#transcript.subscribe(listener),
      keys: ports.keys,
      judge: ports.judge,
      keepKey: options.keepKey,
      draw: options.draw,
    });
  }

  get state(): RollState {
    return this.#state;
  }

  /** What has ended the daemon, where it asks to be started again. */
  get why(): Failure | undefined {
    return this.#why;
  }

  /** Hears every transition, outcome and trouble. */
  subscribe(listener: (event: object) => void): () => void {
    return this.#transcript.subscribe(listener);
  }

  /**
   * Runs until told to stop.
   * @throws Fault NL-STATE-CORRUPT before anything is sent or overwritten
   */
  async run(abort: AbortSignal): Promise<Ending> {
    const { journal, notify, ports, given, log, version, terms } = this.#options;
    const entry = await journal.read();
    if (entry !== 'absent') this.#state = { ...entry, flaps: 0, unreached: 0 };
    this.#startedAt = this.#options.clock.monotonic();
    const { phase } = this.#state;
    log.info({ event: 'started', version, phase, message: wordsOf(phase, terms.attestation) });
    const leaf = this.#state.current === undefined && this.#state.next === undefined ? await given() : undefined;
    this.#inbox.push({ happened: { kind: 'started', ...(leaf && { given: leaf }) } });
    const ended = new AbortController();
    abort.addEventListener('abort', () => this.#inbox.end(), { once: true });
    if (abort.aborted) this.#inbox.end();
    void this.#listen();
    void this.#look(AbortSignal.any([abort, ended.signal]));
    await notify.ready();
    for await (const input of this.#inbox) await this.#take(input);
    ended.abort();
    await notify.stopping();
    this.#work.set(undefined, 0);
    this.#session.set(undefined, 0);
    await ports.hub.close();
    return this.#ending;
  }

  async #listen(): Promise<void> {
    for await (const { thumbprint, heldMs, failure } of this.#options.ports.hub.signals) {
      this.#inbox.push({ happened: { kind: 'lost', thumbprint, heldMs, failure } });
    }
  }

  /** Wakes at the next planned moment, and looks at the clock once a minute. */
  async #look(abort: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    abort.addEventListener('abort', () => this.#nap.abort.abort(), { once: true });
    while (!abort.aborted) {
      const ms = this.#untilLook();
      const offset = clock.now() - clock.monotonic();
      const nap = { end: clock.monotonic() + ms, abort: new AbortController() };
      this.#nap = nap;
      if (ms > 0) await clock.sleep(ms, nap.abort.signal);
      if (!abort.aborted && Math.abs(clock.now() - clock.monotonic() - offset) > STEP_MS) this.#stepped();
      if (!nap.abort.signal.aborted) {
        this.#lookedAt = clock.now();
        this.#inbox.push({ happened: { kind: 'woken' }, reply: () => this.#vitals.beat() });
      }
    }
  }

  /** What is paused may have failed for the clock alone: a server certificate, or a leaf, that was not valid yet. */
  #stepped(): void {
    this.#options.log.info({ event: 'clock-stepped', at: iso(this.#options.clock.now()) });
    this.#hurry();
  }

  #hurry(): void {
    this.#work.hurry();
    this.#session.hurry();
  }

  #untilLook(): number {
    const longest = Math.min(LOOK_MS, this.#vitals.everyMs);
    const moment = nextMoment(this.#state, this.#options.terms, this.#lookedAt);
    if (moment === undefined) return longest;
    // It may have come while it was written down: a delay can be shorter than that takes.
    return Math.min(longest, Math.max(0, moment - this.#options.clock.now()));
  }

  /** Something nearer than the next look may have been planned since. */
  #lookSooner(): void {
    if (this.#options.clock.monotonic() + this.#untilLook() < this.#nap.end) this.#nap.abort.abort();
  }

  async #take({ happened, landed, reply }: Input): Promise<void> {
    const { clock, draw, terms } = this.#options;
    const before = this.#state;
    let advanced = advance(before, { ...happened, at: clock.now(), draw: draw() }, terms);
    const { event } = advanced;
    const unwritten = await this.#keep(before, advanced.state);
    // A new intent that is not on disk must not be acted on. Anything less may be lost in a power cut.
    if (unwritten !== undefined && advanced.state.phase !== before.phase) {
      advanced = { state: before, effects: effectsOf(before), event, retry: unwritten };
    }
    // Before anybody is told: who hears that the roll is done, or that the next leaf is to be enrolled, opens the file.
    await this.#publication.follow(advanced.state);
    this.#state = advanced.state;
    this.#transcript.tell(before, advanced);
    reply?.(unwritten !== undefined && advanced.retry === unwritten ? unwritten : advanced);
    landed?.();
    this.#fly(advanced);
    if (before.online === undefined && this.#state.online !== undefined) this.#releaseSuspect();
    this.#lookSooner();
    this.#report(before);
    this.#vitals.tell(lineOf(statusOf(this.#state, this.#reportOptions())));
    // A new process must know what has cost this one: else it would be lost for the same, again and again.
    const isNoted = unwritten === undefined || advanced.state.poisoned === before.poisoned;
    if (advanced.restart && isNoted) {
      this.#ending = 'restart';
      if (event.kind === 'failed') this.#why = event.failure;
      this.#inbox.end();
    }
  }

  /** Writes the intent, if there is a new one. */
  async #keep(before: RollState, after: RollState): Promise<Failure | undefined> {
    // An outage that changes its face from minute to minute must not wear out the flash.
    const intent = (state: RollState) => JSON.stringify({ ...entryOf(state), trouble: undefined });
    if (intent(before) === intent(after)) return undefined;
    try {
      await this.#options.journal.write(entryOf(after));
      return undefined;
    } catch (error) {
      const failure = failureOf(error);
      this.#options.log.error({ event: 'state-unwritten', ...failureFields(failure) });
      return failure;
    }
  }

  /** Puts the effects in flight. A retry pauses only the lane that it speaks of. */
  #fly({ effects, retry, state, event }: Advance): void {
    const current = state.current?.thumbprint;
    const isSession = (effect: RollEffect) => effect.kind === 'connect' && effect.leaf.thumbprint === current;
    const failed = event.kind === 'failed' ? isSession(event.effect) : event.kind === 'lost';
    for (const lane of [this.#work, this.#session]) {
      const session = lane === this.#session;
      const effect = effects.find((one) => isSession(one) === session);
      if (effect === undefined || retry === undefined || failed !== session)
        lane.set(effect, this.#suspendMs(state, effect, effects.some(isSession)));
      else {
        const tries = Math.max(1, lane.tries(effect), session ? state.flaps : 0);
        lane.set(effect, pauseMs(effect.kind, tries, retry, event.draw, remaining(state, event.at)));
      }
    }
  }

  /** How long to wait for the session before this is tried, in milliseconds. */
  #suspendMs(state: RollState, effect: RollEffect | undefined, dials: boolean): number {
    if (effect === undefined || !dials || !isSuspect(state, effect)) return 0;
    return Math.max(0, this.#startedAt + SUSPECT_MS - this.#options.clock.monotonic());
  }

  /** The hub has accepted the current leaf. */
  #releaseSuspect(): void {
    const isEarly = this.#options.clock.monotonic() < this.#startedAt + SUSPECT_MS;
    if (isEarly && effectsOf(this.#state).some((one) => isSuspect(this.#state, one))) this.#work.hurry();
  }

  /** Tells the twin what has changed. */
  #report(before: RollState): void {
    const state = this.#state;
    const { log, ports } = this.#options;
    if (state.online === undefined || state === before) return;
    ports.hub
      .report(twinOf(state, this.#reportOptions()))
      .catch((error: unknown) => log.warn({ event: 'twin-unwritten', ...failureFields(failureOf(error)) }));
  }

  #reportOptions(): ReportOptions {
    const { version, registrationId, labelPrefix, terms, clock } = this.#options;
    return { version, registrationId, labelPrefix, terms, now: clock.now() };
  }
}

/** Whether TLS may be done with the key in the token. */
const shakesHands = ({ kind }: RollEffect): boolean =>
  kind === 'connect' || kind === 'register' || kind === 'request-leaf';
