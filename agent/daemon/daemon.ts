import type { Answerer } from '../ask/ask.ts';
import type { DaemonEvent } from '../ask/event.ts';
import { type Failure, failure } from '../failure/failure.ts';
import { failureFields } from '../machine/failure-fields.ts';
import { type Advanced, advance } from '../roll/core/advance.ts';
import { memoryOf } from '../roll/core/entry.ts';
import { blank, type Circumstances, type Memory } from '../roll/core/memory.ts';
import { plan } from '../roll/core/plan.ts';
import { view } from '../roll/core/view.ts';
import { isSession } from '../roll/poison.ts';
import { lineOf, presentOf, type ReportOptions, twinOf, wordsOf } from '../roll/report.ts';
import { type RollEffect, type RollEvent, type RollState, unprovisioned } from '../roll/state.ts';
import { dueAt, lastResortAt } from '../roll/terms.ts';
import { Queue } from '../time/queue.ts';
import { withAnew } from './anew.ts';
import { createAnswerer } from './answerer.ts';
import { Transcript } from './events.ts';
import { FirstLeaf } from './first-leaf.ts';
import { Flights } from './flights.ts';
import { issuerChangedIn } from './issuer-changed.ts';
import { Looks } from './looks.ts';
import { NoWay } from './no-way.ts';
import type { DaemonOptions } from './options.ts';
import { OtherClock } from './other-clock.ts';
import { type Happened, perform } from './perform.ts';
import { Persistence } from './persistence.ts';
import { Publication } from './publication.ts';
import { Reported } from './reported.ts';
import type { Landed } from './requests.ts';
import { Strangers } from './strangers.ts';
import { Vitals } from './vitals.ts';

/** `stopped`: told to. `restart`: the module has lost its state, and only a new process heals it. */
export type Ending = 'stopped' | 'restart';

interface Input {
  readonly happened: Happened;
  /** Tells that what was in flight has landed. */
  readonly landed?: () => void;
  /** Gets the decision of the rules, once it is on disk. */
  readonly reply?: (answered: Landed | Failure) => void;
}

/** The loop: one event at a time. It owns order and sleeping, and no policy. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #inputs = new Queue<Input>();
  readonly #flights: Flights;
  #memory: Memory = blank;
  readonly #startedAt: number;
  readonly #transcript: Transcript;
  readonly #vitals: Vitals;
  readonly #firstLeaf: FirstLeaf;
  readonly #persistence: Persistence;
  readonly #publication: Publication;
  readonly #reported: Reported;
  readonly #strangers: Strangers;
  readonly #noWay: NoWay;
  readonly answer: Answerer;
  readonly during: Vitals['during'] = (what, work) => this.#vitals.during(what, work);
  /** Fulfilled once it is known whether the token brings a leaf: a request before that would have a key made beside it. */
  readonly begun: Promise<void>;
  #begins: () => void = () => {};
  #state: RollState = unprovisioned;
  #ending: Ending = 'stopped';
  #why: Failure | undefined;
  #isBegun = false;
  #isBraked = false;
  /** The twin that was reported last, as text. */
  #twin: string | undefined;
  #isClockWrong = false;
  readonly #otherClock: OtherClock;
  readonly #looks: Looks;

  constructor(options: DaemonOptions) {
    this.#options = options;
    this.begun = new Promise((begins) => {
      this.#begins = begins;
    });
    const { clock, log, ports, terms } = options;
    const heard = withAnew({ ...ports, ...(options.newer && { newer: options.newer }) }, () => this.#state);
    const attempt = (effect: RollEffect, abort: AbortSignal) => {
      const work = () => heard(perform(effect, ports, terms.registered, abort));
      return shakesHands(effect) ? this.during('calls', work) : work();
    };
    const happened = (event: Happened, landed: () => void) => this.#inputs.push({ happened: event, landed });
    this.#startedAt = clock.monotonic();
    this.#flights = new Flights({ clock, attempt, happened });
    this.#transcript = new Transcript(log, terms);
    this.#firstLeaf = new FirstLeaf(options);
    this.#otherClock = new OtherClock(clock);
    this.#persistence = new Persistence(options);
    this.#publication = new Publication(options);
    this.#reported = new Reported(options);
    this.#strangers = new Strangers(options);
    this.#noWay = new NoWay(options);
    const lanes = [this.#flights.work, this.#flights.session];
    this.#vitals = new Vitals(options.notify, log, lanes, () => this.#looks.sooner());
    this.#looks = new Looks({
      clock,
      log,
      everyMs: () => Math.min(this.#vitals.everyMs, this.#persistence.dueInMs),
      moments: () => [
        this.#memory.scheduled?.startAt,
        this.#memory.current && dueAt(this.#memory.current, terms.renewAt),
        this.#memory.current && lastResortAt(this.#memory.current, terms.renewAt),
      ],
      isStep: (ms) => this.#otherClock.answers(ms),
      woken: (isStepped) =>
        this.#inputs.push({
          happened: { kind: 'woken', ...(isStepped && { isStepped }) },
          reply: () => this.#vitals.beat(),
        }),
    });
    this.answer = createAnswerer({
      ...options,
      state: () => this.#otherClock.shown(this.#state),
      report: () => this.#reportOptions(),
      post: async (event) => {
        await this.begun;
        const happened = await heard(Promise.resolve(event));
        return new Promise((reply) => this.#inputs.push({ happened, reply }));
      },
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
    return this.#isBraked;
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
    if (entry !== 'absent') this.#memory = memoryOf(entry);
    const c = this.#circumstances();
    this.#state = view(this.#memory, plan(this.#memory, c), c);
    this.#otherClock.begin(this.#state);
    const { phase } = this.#state;
    log.info({ event: 'started', version, phase, message: wordsOf(phase, terms.attestation) });
    await this.#begin();
    const ended = new AbortController();
    abort.addEventListener('abort', () => this.#inputs.end(), { once: true });
    if (abort.aborted) this.#inputs.end();
    void this.#listen();
    void this.#looks.run(AbortSignal.any([abort, ended.signal]));
    await notify.ready();
    try {
      for await (const input of this.#inputs) await this.#take(input);
    } finally {
      ended.abort();
    }
    await notify.stopping();
    this.#flights.end();
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

  async #take({ happened, landed, reply }: Input): Promise<void> {
    const { clock, draw } = this.#options;
    const came: RollEvent = { ...this.#otherClock.seen(happened, this.#state), at: clock.now(), draw: draw() };
    if (happened.kind === 'woken' && !this.#isBegun) {
      await this.#begin();
      return reply?.({});
    }
    landed?.();
    const before = this.#state;
    const known = this.#memory;
    const c = this.#circumstances();
    let advanced: Advanced = advance(known, { ...came, up: c.up }, c);
    const { event } = advanced;
    // A request that was answered "accepted" must outlive a power cut.
    const unkept =
      isAsk(event) && advanced.memory !== known ? await this.#persistence.accept(advanced.memory) : undefined;
    if (unkept !== undefined) advanced = { ...advanced, memory: known, state: before, plan: plan(known, c) };
    await this.#persistence.follow(advanced.memory);
    // Before the news: a listener who hears of a finished roll, or of a leaf to enroll, opens the file.
    await this.#publication.follow(advanced.state);
    this.#memory = advanced.memory;
    this.#state = advanced.state;
    this.#isBraked = advanced.plan.work?.isBraked === true;
    this.#otherClock.follow(before, this.#state);
    this.#strangers.follow(advanced.state);
    const wayless = this.#noWay.follow(advanced, c);
    this.#transcript.tell(before, advanced, event);
    reply?.(unkept ?? advanced);
    this.#flights.follow(
      advanced.plan,
      advanced.plan.asks.filter((effect) => this.#persistence.allows(effect)),
    );
    void this.#options.afterStep?.(this.#state);
    this.#looks.sooner();
    this.#report(before);
    // A new process must know the effect that poisoned this one: otherwise it is poisoned in the same way, again and again.
    const isNoted = !this.#persistence.isBehind || this.#memory.poisoned === known.poisoned;
    const isFree = isNoted || (isOfSession(event, this.#memory) && c.age >= UNNOTED_MS);
    if ((advanced.restart && isFree) || wayless !== undefined) {
      this.#ending = 'restart';
      this.#why = event.kind === 'failed' ? event.failure : wayless;
      this.#inputs.end();
    }
  }

  #circumstances(): Circumstances {
    const { clock, draw, terms } = this.#options;
    const up = clock.monotonic();
    return { now: clock.now(), up, age: up - this.#startedAt, draw: draw(), terms, flying: this.#flights.flying };
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
    const slow = [this.#flights.work.slow(now), this.#flights.session.slow(now)];
    const others = [disk, this.#strangers.failure, this.#noWay.failure, leafless, braked, beside, ...slow].filter(
      (one) => one !== undefined,
    );
    return { ...this.#options, now, silentMs: ports.hub.silentMs(), others };
  }
}

/** The asker waits for an answer that says whether the request is accepted. */
const isAsk = ({ kind }: RollEvent): boolean => kind === 'asked' || kind === 'csr-asked' || kind === 'leaf-delivered';

/** So long a process lasts that ends itself where the disk takes no note of that, in milliseconds. */
const UNNOTED_MS = 15 * 60_000;

/** Without the session there is nothing to lose: a disk that takes nothing must not keep such a process alive. */
const isOfSession = (event: RollEvent, { current, online }: Memory): boolean =>
  event.kind === 'failed' && online === undefined && isSession(event.effect, current);

/** Whether the effect does TLS with the key in the token. */
const shakesHands = ({ kind }: RollEffect): boolean =>
  kind === 'connect' || kind === 'register' || kind === 'request-leaf';
