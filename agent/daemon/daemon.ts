import type { Answerer } from '../ask/ask.ts';
import type { DaemonEvent } from '../ask/event.ts';
import { type Failure, failure } from '../failure/failure.ts';
import { failureFields } from '../machine/failure-fields.ts';
import { type Advance, advance } from '../roll/advance.ts';
import { nextMoment } from '../roll/plan.ts';
import { iso, lineOf, presentOf, type ReportOptions, twinOf, wordsOf } from '../roll/report.ts';
import { effectsOf, type RollEffect, type RollEvent, type RollState, unprovisioned } from '../roll/state.ts';
import { Queue } from '../time/queue.ts';
import { withAnew } from './anew.ts';
import { createAnswerer } from './answerer.ts';
import { Transcript } from './events.ts';
import { FirstLeaf } from './first-leaf.ts';
import { issuerChangedIn } from './issuer-changed.ts';
import { Lanes } from './lanes.ts';
import type { DaemonOptions } from './options.ts';
import { aheadMs, OtherClock } from './other-clock.ts';
import { type Happened, perform } from './perform.ts';
import { Persistence } from './persistence.ts';
import { Publication } from './publication.ts';
import { Reported } from './reported.ts';
import { Strangers } from './strangers.ts';
import { Vitals } from './vitals.ts';

/** How often the clock is looked at, so that a step is noticed. */
const LOOK_MS = 60_000;
/** `stopped`: told to. `restart`: the module has lost its state, and only a new process heals it. */
export type Ending = 'stopped' | 'restart';

interface Input {
  readonly happened: Happened;
  /** Frees the lane that the event came from. */
  readonly landed?: () => void;
  /** Gets the decision of the rules, once it is on disk. */
  readonly reply?: (answered: Advance | Failure) => void;
}

/** The loop: one event at a time. It owns order and sleeping, and no policy. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #inputs = new Queue<Input>();
  readonly #lanes: Lanes;
  readonly #transcript: Transcript;
  readonly #vitals: Vitals;
  readonly #firstLeaf: FirstLeaf;
  readonly #persistence: Persistence;
  readonly #publication: Publication;
  readonly #reported: Reported;
  readonly #strangers: Strangers;
  readonly answer: Answerer;
  /** Fulfilled once it is known whether the token brings a leaf: a request before that would have a key made beside it. */
  readonly begun: Promise<void>;
  #begins: () => void = () => {};
  #state: RollState = unprovisioned;
  #ending: Ending = 'stopped';
  #why: Failure | undefined;
  #isBegun = false;
  /** The twin that was reported last, as text. */
  #twin: string | undefined;
  #isClockWrong = false;
  readonly #otherClock: OtherClock;
  /** The sleep until the next look at the clock: its end by the monotonic clock, and the abort that cuts it short. */
  #nap = { end: 0, abort: new AbortController() };
  /** Wall clock of the last look. A moment that had passed by then waits for something else, and is looked at with the rest. */
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: DaemonOptions) {
    this.#options = options;
    this.begun = new Promise((begins) => {
      this.#begins = begins;
    });
    const { clock, log, ports, terms } = options;
    const heard = withAnew(ports, () => this.#state);
    const attempt = (effect: RollEffect, abort: AbortSignal) => {
      const work = () => heard(perform(effect, ports, terms.registered, abort));
      if (effect.kind === 'generate-key') return this.#vitals.during('keys', work);
      if (!shakesHands(effect)) return work();
      const guarded = this.#vitals.during('handshakes', work);
      this.#lookSooner();
      return guarded;
    };
    const happened = (event: Happened, landed: () => void) => this.#inputs.push({ happened: event, landed });
    const isFree = (effect: RollEffect) => effect.kind === 'register' && ports.dps.knows?.(effect.leaf) === true;
    this.#lanes = new Lanes({ clock, log, attempt, happened, isFree });
    this.#transcript = new Transcript(log, terms);
    this.#firstLeaf = new FirstLeaf(options);
    this.#otherClock = new OtherClock(clock);
    this.#persistence = new Persistence(options);
    this.#publication = new Publication(options);
    this.#reported = new Reported(options);
    this.#strangers = new Strangers(options);
    this.#vitals = new Vitals(options.notify, log, [this.#lanes.work, this.#lanes.session]);
    this.answer = createAnswerer({
      ...options,
      state: () => this.#otherClock.shown(this.#state),
      report: () => this.#reportOptions(),
      post: async (event) => {
        await this.begun;
        const happened = await heard(Promise.resolve(event));
        return new Promise((reply) => this.#inputs.push({ happened, reply }));
      },
      hurry: () => this.#lanes.hurry(),
      changed: (listener) => this.#transcript.subscribe(listener),
    });
    options.view?.open(this);
  }

  get state(): RollState {
    return this.#state;
  }

  /** The failure that ended the daemon, where it asks to be started again. */
  get why(): Failure | undefined {
    return this.#why;
  }

  /** Work is repeated without progress, and is slowed down. */
  get isBraked(): boolean {
    return this.#lanes.isBraked;
  }

  get onboarding(): DaemonOptions['onboarding'] {
    return this.#options.onboarding;
  }

  /** Hears every transition, outcome and trouble. */
  subscribe(listener: (event: DaemonEvent) => void): () => void {
    return this.#transcript.subscribe(listener);
  }

  /**
   * Runs until told to stop.
   * @throws Fault NL-STATE-CORRUPT before anything is sent or overwritten
   */
  async run(abort: AbortSignal): Promise<Ending> {
    const { notify, ports, log, version, terms } = this.#options;
    const entry = await this.#persistence.read();
    if (entry !== 'absent') this.#state = { ...entry, flaps: 0, unreached: 0 };
    this.#otherClock.begin(this.#state);
    const { phase } = this.#state;
    log.info({ event: 'started', version, phase, message: wordsOf(phase, terms.attestation) });
    await this.#begin();
    const ended = new AbortController();
    abort.addEventListener('abort', () => this.#inputs.end(), { once: true });
    if (abort.aborted) this.#inputs.end();
    void this.#listen();
    void this.#look(AbortSignal.any([abort, ended.signal]));
    await notify.ready();
    try {
      for await (const input of this.#inputs) await this.#take(input);
    } finally {
      ended.abort();
    }
    await notify.stopping();
    this.#lanes.end();
    this.#reported.follow(undefined, {});
    await ports.hub.close();
    return this.#ending;
  }

  /** Plans nothing before it is known whether the token brings a leaf: a key of our own would take its place. */
  async #begin(): Promise<void> {
    const { current, next } = this.#state;
    const leaf = current === undefined && next === undefined ? await this.#firstLeaf.look() : undefined;
    if (leaf === 'later') return this.#begins();
    this.#isBegun = true;
    const started = {
      kind: 'started',
      ...(leaf && { given: leaf }),
      ...(await issuerChangedIn(this.#state, this.#options)),
    } as const;
    this.#inputs.push({ happened: started, landed: this.#begins });
  }

  async #listen(): Promise<void> {
    for await (const happened of this.#options.ports.hub.signals) this.#inputs.push({ happened });
  }

  /** Wakes at the next planned moment, and looks at the clock once a minute. */
  async #look(abort: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    abort.addEventListener('abort', () => this.#nap.abort.abort(), { once: true });
    while (!abort.aborted) {
      const ms = this.#untilLook();
      const offset = aheadMs(clock);
      const nap = { end: clock.monotonic() + ms, abort: new AbortController() };
      this.#nap = nap;
      if (ms > 0) await clock.sleep(ms, nap.abort.signal);
      const stepMs = Math.abs(aheadMs(clock) - offset);
      if (!abort.aborted && this.#otherClock.answers(stepMs)) {
        log.info({ event: 'clock-stepped', at: iso(clock.now()) });
        // Those of the far side and of the brake are measured by the monotonic clock.
        this.#lanes.hurry(['ladder']);
      }
      if (!nap.abort.signal.aborted) {
        this.#lookedAt = clock.now();
        this.#inputs.push({ happened: { kind: 'woken' }, reply: () => this.#vitals.beat() });
      }
    }
  }

  #untilLook(): number {
    const longest = Math.min(LOOK_MS, this.#vitals.everyMs, this.#persistence.dueInMs);
    const moment = nextMoment(this.#state, this.#options.terms, this.#lookedAt);
    if (moment === undefined) return longest;
    // The moment may have passed during the write: a delay can be shorter than a write.
    return Math.min(longest, Math.max(0, moment - this.#options.clock.now()));
  }

  /** A moment before the next look may have been planned since. */
  #lookSooner(): void {
    if (this.#options.clock.monotonic() + this.#untilLook() < this.#nap.end) this.#nap.abort.abort();
  }

  async #take({ happened, landed, reply }: Input): Promise<void> {
    const { clock, draw, terms } = this.#options;
    const came: RollEvent = { ...this.#otherClock.seen(happened, this.#state), at: clock.now(), draw: draw() };
    if (happened.kind === 'woken' && !this.#isBegun) {
      await this.#begin();
      return reply?.({ state: this.#state, effects: [] });
    }
    const before = this.#state;
    let advanced = advance(before, came, terms);
    const { event = came } = advanced;
    // A request that was answered "accepted" must outlive a power cut.
    const unkept =
      isAsk(event) && advanced.state !== before ? await this.#persistence.accept(advanced.state) : undefined;
    if (unkept !== undefined) advanced = { state: before, effects: effectsOf(before) };
    await this.#persistence.follow(advanced.state);
    // Before the news: a listener who hears of a finished roll, or of a leaf to enroll, opens the file.
    await this.#publication.follow(advanced.state);
    this.#state = advanced.state;
    this.#otherClock.follow(before, this.#state);
    this.#strangers.follow(advanced.state);
    this.#transcript.tell(before, advanced, event);
    reply?.(unkept ?? advanced);
    landed?.();
    const allowed = advanced.effects.filter((effect) => this.#persistence.allows(effect));
    this.#lanes.follow(before, advanced, event, allowed);
    void this.#options.afterStep?.(this.#state);
    this.#lookSooner();
    this.#report(before);
    // A new process must know the effect that poisoned this one: otherwise it is poisoned in the same way, again and again.
    const isNoted = this.#persistence.failure === undefined || this.#state.poisoned === before.poisoned;
    if (advanced.restart && isNoted) {
      this.#ending = 'restart';
      if (event.kind === 'failed') this.#why = event.failure;
      this.#inputs.end();
    }
  }

  /** Tells systemd, the log and the twin what is wrong. */
  #report(before: RollState): void {
    const { besideTwin, labelPrefix, log } = this.#options;
    const status = presentOf(this.#otherClock.shown(this.#state), this.#reportOptions());
    this.#vitals.tell(lineOf(status));
    // Every other fault is logged where it is met; this is the judgement over those.
    const clock = status.wrong.find(({ code }) => code === 'NL-CLOCK');
    if (clock !== undefined && !this.#isClockWrong) log.warn({ event: 'clock-wrong', ...failureFields(clock) });
    this.#isClockWrong = clock !== undefined;
    const twin = { ...twinOf(status, labelPrefix), ...besideTwin?.() };
    const text = JSON.stringify(twin);
    if (this.#state.online === before.online && text === this.#twin) return;
    this.#twin = text;
    this.#reported.follow(this.#state.online, twin);
  }

  #reportOptions(): ReportOptions {
    const { clock, ports } = this.#options;
    const braked = this.isBraked ? failure('NL-BUDGET-BRAKED') : undefined;
    const leafless = this.#state.current === undefined ? this.#firstLeaf.failure : undefined;
    const disk = this.#persistence.failure ?? this.#publication.failure;
    const beside = this.#options.beside?.();
    const now = clock.now();
    const slow = [this.#lanes.work.slow(now), this.#lanes.session.slow(now)];
    const others = [disk, this.#strangers.failure, leafless, braked, beside, ...slow].filter(
      (one) => one !== undefined,
    );
    return { ...this.#options, now, silentMs: ports.hub.silentMs(), others };
  }
}

/** The asker waits for an answer that says whether the request is accepted. */
const isAsk = ({ kind }: RollEvent): boolean => kind === 'asked' || kind === 'csr-asked' || kind === 'leaf-delivered';

/** Whether the effect does TLS with the key in the token. */
const shakesHands = ({ kind }: RollEffect): boolean =>
  kind === 'connect' || kind === 'register' || kind === 'request-leaf';
