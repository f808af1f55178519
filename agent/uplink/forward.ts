import { type Failure, failure } from '../failure/failure.ts';
import type { HubSession, SessionEnd } from '../mqtt/hub-session.ts';
import type { Clock } from '../time/clock.ts';
import { NextMessage } from './next-message.ts';
import {
  Allowance,
  acknowledged,
  holdMs,
  isThrottled,
  type Pace,
  paceOf,
  passed,
  sessionEnded,
  windowOf,
} from './pace.ts';
import type { Message, Stored } from './ports.ts';
import type { Program } from './program.ts';
import { type Sending, Suspicion } from './suspicion.ts';
import { eventTopic } from './topics.ts';

/** An append, a PUBACK and the end of the session each end the wait; a queue that could not be read has no such sign. */
const IDLE_MS = 60 * 60_000;
/** A hub that closes over a message of QoS 0 does it within this time. */
const PASSED_MS = 2_000;

interface ForwarderOptions {
  readonly programs: () => readonly Program[];
  readonly clock: Clock;
  /** The most messages a second of QoS 1; and as many of QoS 0. */
  readonly rate: number;
  /** Keeps a message that the hub never takes; it is dropped from the queue after this. Where it throws, the message stays. */
  readonly setAside: (program: Program, message: Stored, why: Failure) => Promise<void>;
}

/** The use of one session. */
interface Run {
  readonly session: HubSession;
  /** Without PUBACK, in the order of sending. */
  readonly onTheirWay: Map<Sending, Promise<void>>;
  /** A PUBLISH has failed: those behind it must not overtake it. */
  isBroken?: true;
}

/**
 * Sends the messages of all programs in turn, those of one program in order. The PUBACK of the hub drops a message from its
 * queue. When a session ends, the messages without a PUBACK are the first on the next one.
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #suspicion = new Suspicion();
  readonly #choice: NextMessage;
  readonly #allowance = new Allowance();
  #pace: Pace;
  #session: HubSession | undefined;
  /** Of the sessions so far, one after the other. */
  #runs: Promise<void> = Promise.resolve();
  /** Ends with a new message, a PUBACK, and the end of the session. */
  #nap = new AbortController();
  /** The session is left alone for now. */
  #isHolding = false;
  /** When the first message of the session was sent, and when the last one of QoS 0. */
  #usedSince: number | undefined;
  #passedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#choice = new NextMessage(options.programs, this.#suspicion);
    this.#pace = paceOf(options.rate);
  }

  /** Messages a second, for now. */
  get rate(): number {
    return this.#pace.rate;
  }

  get isOpen(): boolean {
    return this.#session !== undefined;
  }

  get isThrottled(): boolean {
    return isThrottled(this.#pace, this.#options.rate);
  }

  /** The session takes the place of the one before. */
  opened(session: HubSession): void {
    this.#session = session;
    this.#isHolding = true;
    this.wake();
    this.#runs = this.#runs.then(() => this.#run({ session, onTheirWay: new Map() }));
    void session.closed.then(() => {
      if (this.#session === session) this.#session = undefined;
      this.wake();
    });
  }

  /** There is something new: a message, a PUBACK, the end of a session. */
  wake(): void {
    this.#nap.abort();
  }

  /** @returns when no message is on its way any more */
  async close(): Promise<void> {
    this.#session = undefined;
    this.wake();
    await this.#runs;
  }

  /** A message of QoS 0 goes at once or never. @returns whether it went */
  async pass({ topic, payload }: Message): Promise<boolean> {
    const session = this.#session;
    const at = this.#options.clock.monotonic();
    if (session === undefined || this.#isHolding || !this.#allowance.take(this.rate, at)) return false;
    this.#usedSince ??= at;
    this.#passedAt = at;
    this.#pace = passed(this.#pace, this.#usedMs, this.#options.rate);
    return session.publish({ topic: eventTopic(session.deviceId, topic), payload, qos: 0 }).then(
      () => true,
      () => false,
    );
  }

  async #run(run: Run): Promise<void> {
    const { clock } = this.#options;
    const { session, onTheirWay } = run;
    this.#choice.opened();
    this.#usedSince = undefined;
    await this.#pause(session, holdMs(this.#pace));
    if (this.#session === session) this.#isHolding = false;
    while (this.#session === session) {
      this.#nap = new AbortController();
      const isFull = run.isBroken || onTheirWay.size >= windowOf(this.#pace);
      const next = isFull ? undefined : await this.#choice.next(onTheirWay.size === 0, this.#usedMs);
      if (this.#session !== session) break;
      if (next === undefined) {
        await clock.sleep(this.#suspicion.trialIn(this.#usedMs) || IDLE_MS, this.#nap.signal);
        continue;
      }
      const sending = { ...next, sentAt: clock.monotonic() };
      this.#usedSince ??= sending.sentAt;
      onTheirWay.set(sending, this.#send(run, sending));
      await this.#pause(session, 1000 / this.#pace.rate);
    }
    await Promise.all(onTheirWay.values());
    // Over by now; or it goes on without the forwarder, which has been closed, or has a newer one.
    await this.#ended(run, await Promise.race([session.closed, 'ended' as const]));
  }

  async #ended(run: Run, how: SessionEnd): Promise<void> {
    const unacknowledged = [...run.onTheirWay.keys()];
    for (const { program } of unacknowledged) program.counts.resent += 1;
    if (how === 'ended') return;
    const at = this.#options.clock.monotonic();
    const hasPassed = at - this.#passedAt < PASSED_MS;
    const usedMs = this.#usedSince === undefined ? undefined : at - this.#usedSince;
    this.#pace = sessionEnded(this.#pace, usedMs, hasPassed || unacknowledged.length > 0, at);
    const poison = this.#suspicion.closed(unacknowledged, at);
    if (poison === undefined) return;
    const { program, message } = poison;
    try {
      const why = failure('NL-UPLINK-POISON', {
        message: `The hub closes the session over it: message ${message.sequence}.`,
      });
      await this.#options.setAside(program, message, why);
    } catch {
      return;
    }
    program.up.drop(message);
  }

  get #usedMs(): number {
    return this.#usedSince === undefined ? 0 : this.#options.clock.monotonic() - this.#usedSince;
  }

  async #send(run: Run, sending: Sending): Promise<void> {
    const { clock, rate } = this.#options;
    const { session } = run;
    const { program, message, isRepeated, sentAt } = sending;
    try {
      await session.publish({ topic: eventTopic(session.deviceId, message.topic), payload: message.payload, qos: 1 });
    } catch {
      run.isBroken = true;
      return this.wake();
    }
    run.onTheirWay.delete(sending);
    const at = clock.monotonic();
    this.#pace = acknowledged(this.#pace, at - sentAt, this.#usedMs, at, rate);
    const goesOn = this.#suspicion.acknowledged(sending);
    program.counts[isRepeated ? 'resent' : 'forwarded'] += 1;
    program.up.drop(message);
    if (goesOn) program.up.rewind();
    this.wake();
  }

  /** Ends with the session. */
  async #pause(session: HubSession, ms: number): Promise<void> {
    const { clock } = this.#options;
    for (const end = clock.monotonic() + ms; this.#session === session && clock.monotonic() < end; ) {
      this.#nap = new AbortController();
      await clock.sleep(end - clock.monotonic(), this.#nap.signal);
    }
  }
}
