import type { HubSession } from '../mqtt/hub-session.ts';
import type { Clock } from '../time/clock.ts';
import { acknowledged, closed, holdMs, isThrottled, type Pace, paceOf, windowOf } from './pace.ts';
import type { Message, Stored } from './ports.ts';
import type { Program } from './program.ts';
import { type Sending, Suspicion } from './suspicion.ts';
import { eventTopic } from './topics.ts';

export interface ForwarderOptions {
  readonly programs: () => readonly Program[];
  readonly clock: Clock;
  /** The most messages a second. */
  readonly rate: number;
  /** Keeps a message that the hub never takes; it is dropped from the queue after this. */
  readonly setAside: (program: Program, message: Stored) => Promise<void>;
}

/**
 * Sends the messages of all programs in turn, those of one program in order. The PUBACK of the hub drops a message from its
 * queue. When a session ends, the messages without a PUBACK are the first on the next one.
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #suspicion = new Suspicion();
  #pace: Pace;
  #session: HubSession | undefined;
  /** Of the sessions so far, one after the other. */
  #runs: Promise<void> = Promise.resolve();
  /** Ends with a new message, a PUBACK, and the end of the session. */
  #nap = new AbortController();
  #turn = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#pace = paceOf(options.rate);
  }

  /** Messages a second, for now. */
  get rate(): number {
    return this.#pace.rate;
  }

  get isThrottled(): boolean {
    return isThrottled(this.#pace, this.#options.rate);
  }

  /** The session takes the place of the one before. */
  opened(session: HubSession): void {
    this.#session = session;
    this.wake();
    this.#runs = this.#runs.then(() => this.#run(session));
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
    if (session === undefined || this.isThrottled) return false;
    return session.publish({ topic: eventTopic(session.deviceId, topic), payload, qos: 0 }).then(
      () => true,
      () => false,
    );
  }

  async #run(session: HubSession): Promise<void> {
    const { clock, programs, setAside } = this.#options;
    const onTheirWay = new Map<Sending, Promise<boolean>>();
    const isOpen = () => this.#session === session;
    const pause = async (ms: number) => {
      for (const end = clock.monotonic() + ms; isOpen() && clock.monotonic() < end; ) {
        this.#nap = new AbortController();
        await this.#sleep(end - clock.monotonic());
      }
    };
    let usedSince: number | undefined;
    for (const { queue } of programs()) queue.rewind();
    this.#suspicion.opened();
    await pause(holdMs(this.#pace));
    while (isOpen()) {
      this.#nap = new AbortController();
      const next = await this.#next(onTheirWay.size);
      if (!isOpen()) break;
      if (next === undefined) {
        await this.#sleep(IDLE_MS);
        continue;
      }
      const sending = { ...next, sentAt: clock.monotonic() };
      usedSince ??= sending.sentAt;
      onTheirWay.set(
        sending,
        this.#send(session, sending).then((isTaken) => {
          if (isTaken) onTheirWay.delete(sending);
          this.wake();
          return isTaken;
        }),
      );
      await pause(1000 / this.#pace.rate);
    }
    await Promise.all(onTheirWay.values());
    const lost = [...onTheirWay.keys()];
    const at = clock.monotonic();
    for (const { program } of lost) program.counts.resent += 1;
    // The end of a session at a roll says nothing about its messages.
    if (await session.replaced) return;
    this.#pace = closed(this.#pace, usedSince === undefined ? 0 : at - usedSince, lost.length, at);
    const poison = this.#suspicion.closed(lost, at);
    if (poison === undefined) return;
    await setAside(poison.program, poison.message);
    poison.program.counts.setAside += 1;
    poison.program.queue.drop(poison.message);
  }

  /** The next message of the next program that has one. @param onTheirWay how many have no PUBACK yet */
  async #next(onTheirWay: number): Promise<Omit<Sending, 'sentAt'> | undefined> {
    const isAlone = onTheirWay === 0;
    if (onTheirWay >= windowOf(this.#pace) || (this.#suspicion.isTrying && !isAlone)) return undefined;
    const onTrial = isAlone ? this.#suspicion.due(false) : undefined;
    if (onTrial !== undefined) return onTrial;
    const programs = this.#options.programs();
    for (const offset of programs.keys()) {
      const program = programs[(this.#turn + offset) % programs.length];
      const first = await program?.queue.next();
      if (program === undefined || first === undefined) continue;
      const message = this.#suspicion.holdsBack(program, first) ? await program.queue.next() : first;
      if (message === undefined) continue;
      this.#turn = (this.#turn + offset + 1) % programs.length;
      return { program, message };
    }
    return isAlone ? this.#suspicion.due(true) : undefined;
  }

  /** @returns whether the hub has taken it */
  async #send(session: HubSession, sending: Sending): Promise<boolean> {
    const { clock, rate } = this.#options;
    const { program, message } = sending;
    const topic = eventTopic(session.deviceId, message.topic);
    try {
      await session.publish({ topic, payload: message.payload, qos: 1 });
    } catch {
      return false;
    }
    const at = clock.monotonic();
    this.#pace = acknowledged(this.#pace, at - sending.sentAt, at, rate);
    this.#suspicion.acknowledged(sending);
    program.counts.forwarded += 1;
    program.queue.drop(message);
    return true;
  }

  #sleep(ms: number): Promise<void> {
    return this.#options.clock.sleep(ms, this.#nap.signal);
  }
}

/** Longer than any wait: an append, a PUBACK and the end of the session each end it. */
const IDLE_MS = 24 * 60 * 60_000;
