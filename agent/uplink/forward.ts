import { failure } from '../failure/failure.ts';
import type { HubSession, SessionEnd } from '../mqtt/hub-session.ts';
import { Order } from './order.ts';
import { Allowance, acknowledged, lowered, type Pace, paceOf, WINDOW } from './pace.ts';
import type { Message } from './ports.ts';
import type { Program } from './program.ts';
import type { Shared } from './shared.ts';
import { type Chosen, PROMPT_MS, type Sending, Suspects } from './suspects.ts';
import { eventTopic } from './topics.ts';

/** An append, a PUBACK and the end of the session each end the wait; a queue that could not be read has no such sign. */
const IDLE_MS = 60 * 60_000;
/**
 * Hubs forget PUBACKs (azure-iot-sdk-c#1648: five in 16 hours; #2390, #2514), and those behind them come: only a new session
 * sends the message again.
 */
const PATIENCE_MS = 3 * 60_000;

const LATENESS_S = 0.01;

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
  readonly #shared: Shared;
  /** The most messages a second of QoS 1; and as many of QoS 0. */
  readonly #mostRate: number;
  readonly #suspects = new Suspects();
  readonly #order = new Order();
  /** The last message that was on its way when a program was blamed: once the hub has taken that one, it was wrong. */
  readonly #blamed = new WeakMap<Program, number>();
  /** Of QoS 0, which does not wait. */
  readonly #allowance = new Allowance(() => WINDOW);
  /** Of QoS 1. Timers are late by a millisecond or two, which must not be lost at a high rate. */
  readonly #sends = new Allowance((rate) => rate * LATENESS_S);
  #pace: Pace;
  /** The hub has left a message without PUBACK, and has sent none since. */
  #isMute = false;
  #session: HubSession | undefined;
  /** The session whose run has begun. */
  #inUse: HubSession | undefined;
  /** Of the sessions so far, one after the other. */
  #runs: Promise<void> = Promise.resolve();
  /** Ends with a new message, a PUBACK, and the end of the session. */
  #nap = new AbortController();

  constructor(shared: Shared, mostRate: number) {
    this.#shared = shared;
    this.#mostRate = mostRate;
    this.#pace = paceOf(mostRate);
  }

  /** Messages a second, for now. */
  get rate(): number {
    return this.#pace.rate;
  }

  get isOpen(): boolean {
    return this.#session !== undefined;
  }

  /** Whether the hub seems to throttle. */
  get isThrottled(): boolean {
    return this.#isMute || this.#suspects.isBarren || this.rate < this.#mostRate / 4;
  }

  /** The session takes the place of the one before. */
  opened(session: HubSession): void {
    this.#session = session;
    this.wake();
    this.#runs = this.#runs.then(() => this.#run({ session, onTheirWay: new Map() }));
    void session.closed.then(() => {
      if (this.#session === session) this.#session = undefined;
      this.wake();
    });
  }

  /** There is something new: a message, a PUBACK, the end of a session. */
  wake(): void {
    // Without a reason, node makes a DOMException with its stack each time, also where the nap is over.
    this.#nap.abort('woken');
  }

  /** @returns when no message is on its way any more */
  async close(): Promise<void> {
    this.#session = undefined;
    this.wake();
    await this.#runs;
  }

  /** A message of QoS 0 goes at once or never. @returns whether it went */
  async pass(program: Program, { topic, payload }: Message): Promise<boolean> {
    const session = this.#session;
    const at = this.#shared.clock.monotonic();
    if (
      session === undefined ||
      session !== this.#inUse ||
      !this.#order.passes(program, at) ||
      !this.#allowance.take(this.rate, at) ||
      !this.#suspects.passes(program, at)
    )
      return false;
    this.#pace = acknowledged(this.#pace, 0, at, this.#mostRate);
    return session.publish({ topic: eventTopic(session.deviceId, topic), payload, qos: 0 }).then(
      () => true,
      () => false,
    );
  }

  async #run(run: Run): Promise<void> {
    const { clock } = this.#shared;
    const { session, onTheirWay } = run;
    const programs = this.#shared.programs();
    for (const { queue } of programs) queue.rewind();
    this.#suspects.opened(programs, clock.monotonic());
    this.#inUse = session;
    while (this.#session === session) {
      this.#nap = new AbortController();
      const at = clock.monotonic();
      const [oldest] = onTheirWay.keys();
      const patienceMs = oldest === undefined ? IDLE_MS : oldest.sentAt + PATIENCE_MS - at;
      if (patienceMs <= 0) {
        this.#isMute = true;
        session.giveUp(`the hub has sent no PUBACK for ${PATIENCE_MS / 60_000} minutes`);
        break;
      }
      const next = await this.#next(run, at);
      if (this.#session !== session) break;
      if (next === undefined) {
        await clock.sleep(Math.min(this.#restMs(run, at), patienceMs, IDLE_MS), this.#nap.signal);
        continue;
      }
      const sending = { ...next, sentAt: clock.monotonic() };
      this.#sends.take(this.rate, sending.sentAt);
      this.#order.sent(next.program, sending.sentAt);
      onTheirWay.set(sending, this.#send(run, sending));
    }
    await Promise.all(onTheirWay.values());
    // Over by now; or it goes on without the forwarder, which has been closed, or has a newer one.
    await this.#ended(run, await Promise.race([session.closed, 'ended' as const]));
  }

  async #next({ onTheirWay, isBroken }: Run, at: number): Promise<Chosen | undefined> {
    const waitMs = this.#suspects.restMs(at) || this.#sends.waitMs(this.rate, at);
    if (isBroken || onTheirWay.size >= WINDOW || waitMs > 0) return undefined;
    const isAlone = [...onTheirWay.keys()].every(({ sentAt }) => sentAt + PROMPT_MS <= at);
    const programs = this.#shared.programs();
    const tried = await this.#suspects.next(programs, isAlone, at);
    if (tried !== undefined) return tried === 'wait' ? undefined : tried;
    for (const program of this.#order.of(programs, at)) {
      if (this.#suspects.has(program)) continue;
      // One that cannot be read is tried again with the next message, or later.
      const message = await program.up.next().catch(() => undefined);
      if (message !== undefined) return { program, message };
    }
    return undefined;
  }

  /** How long there is nothing to send for sure, where nothing new happens, in milliseconds. */
  #restMs({ onTheirWay }: Run, at: number): number {
    const restMs = this.#suspects.restMs(at) || this.#sends.waitMs(this.rate, at);
    if (restMs > 0) return restMs;
    const held = this.#shared.programs().filter(({ queue }) => queue.count > 0);
    const heldMs = held.map((program) => this.#order.waitMs(program, at)).filter((ms) => ms > 0);
    return Math.min(this.#suspects.wakeMs(onTheirWay.keys(), at), ...heldMs);
  }

  async #ended(run: Run, how: SessionEnd): Promise<void> {
    const unacknowledged = [...run.onTheirWay.keys()];
    for (const { program } of unacknowledged) program.counts.resent += 1;
    if (how === 'ended') return;
    const at = this.#shared.clock.monotonic();
    const { poison, blamed, isThrottling } = this.#suspects.closed(unacknowledged, at);
    if (isThrottling) this.#pace = lowered(this.#pace, at);
    for (const program of blamed) this.#blame(program, unacknowledged, at);
    if (poison === undefined) return;
    const { program, message } = poison;
    this.#blamed.delete(program);
    const why = failure('NL-UPLINK-POISON', {
      message: `The hub closes the session over message ${message.sequence}.`,
    });
    await this.#shared.setAside(program, message, why).then(
      () => program.queue.drop(message),
      () => {},
    );
  }

  #blame(program: Program, unacknowledged: readonly Sending[], at: number): void {
    program.lost(failure('NL-UPLINK-POISON', { message: BLAMED }), at);
    // It may have been another client with the same identity. What was sent by QoS 0 is never known to be taken.
    const last = unacknowledged.findLast((one) => one.program === program);
    if (last !== undefined) this.#blamed.set(program, last.message.sequence);
  }

  async #send(run: Run, sending: Sending): Promise<void> {
    const { session } = run;
    const { program, message, isRepeated, sentAt } = sending;
    try {
      await session.publish({ topic: eventTopic(session.deviceId, message.topic), payload: message.payload, qos: 1 });
    } catch {
      run.isBroken = true;
      return this.wake();
    }
    run.onTheirWay.delete(sending);
    const at = this.#shared.clock.monotonic();
    this.#isMute = false;
    this.#pace = acknowledged(this.#pace, at - sentAt, at, this.#mostRate);
    program.counts[isRepeated ? 'resent' : 'forwarded'] += 1;
    program.queue.drop(message);
    this.#suspects.acknowledged(sending);
    if (message.sequence >= (this.#blamed.get(program) ?? Number.POSITIVE_INFINITY)) {
      this.#blamed.delete(program);
      program.cleared('NL-UPLINK-POISON');
    }
    this.wake();
  }
}

const BLAMED = 'The hub closes the session over its messages: each is sent alone, after a minute.';
