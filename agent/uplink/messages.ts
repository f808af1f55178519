import type { HubMessage, HubSession } from '../mqtt/hub-session.ts';
import type { Clock } from '../time/clock.ts';
import { Turns } from '../time/turns.ts';
import type { Client, Message } from './ports.ts';
import type { Program } from './program.ts';
import { messageTopic } from './topics.ts';

/** Between two attempts to store a message for which there is no room. */
const ROOM_MS = 5_000;

/**
 * Cloud-to-device messages. They are stored for each program that wants them before the hub gets its PUBACK, and dropped by the
 * PUBACK of the program: neither a roll nor a reconnect of the program loses one.
 */
export class Messages {
  readonly #programs: () => readonly Program[];
  readonly #storing = new Turns();
  /** To which client each program's messages go. */
  readonly #delivering = new Map<Program, Client>();
  /** Those for which there was something new meanwhile. */
  readonly #missed = new Set<Program>();
  readonly #ends = new WeakMap<HubSession, AbortSignal>();
  readonly #clock: Clock;

  constructor(programs: () => readonly Program[], clock: Clock) {
    this.#programs = programs;
    this.#clock = clock;
  }

  /**
   * Fulfilled when all programs that want messages have it, one at least. Waits for room, and for a program: meanwhile the hub
   * holds the message and those behind it, 50 at most, and tells its senders. To give one up would help none of them, because
   * PUBACKs go out in order.
   * @throws Error where the session ends first: the hub sends the message again
   */
  arrived(session: HubSession, bag: string, { payload }: HubMessage): Promise<void> {
    const over = this.#endOf(session);
    return this.#storing.take(async () => {
      const stored = new Set<Program>();
      while (!over.aborted) {
        await this.#store({ topic: bag, payload }, stored);
        // A program that has been removed, or has lost its session, holds up no other.
        if (stored.size > 0 && this.#without(stored).length === 0) return;
        await this.#clock.sleep(ROOM_MS, over);
      }
      throw new Error('the session is over');
    });
  }

  #endOf(session: HubSession): AbortSignal {
    const known = this.#ends.get(session);
    if (known !== undefined) return known;
    const end = new AbortController();
    this.#ends.set(session, end.signal);
    void session.closed.then(() => end.abort());
    return end.signal;
  }

  /** The programs that want messages, and do not have this one. */
  #without(stored: ReadonlySet<Program>): readonly Program[] {
    return this.#programs().filter((program) => program.wants('messages') && !stored.has(program));
  }

  async #store(message: Message, stored: Set<Program>): Promise<void> {
    for (const program of this.#without(stored)) {
      try {
        await program.inbox.append(message);
      } catch {
        continue;
      }
      stored.add(program);
      this.deliver(program);
    }
  }

  /** Called when there is a message, or a new subscriber. */
  deliver(program: Program): void {
    const [first] = program.subscribed('messages');
    if (first === undefined) return;
    if (this.#delivering.get(program) === first.client) {
      this.#missed.add(program);
      return;
    }
    this.#missed.delete(program);
    this.#delivering.set(program, first.client);
    void this.#run(program, first.client).finally(() => {
      if (this.#delivering.get(program) !== first.client) return;
      this.#delivering.delete(program);
      if (this.#missed.has(program)) setImmediate(() => this.deliver(program));
    });
  }

  async #run(program: Program, client: Client): Promise<void> {
    program.down.rewind();
    while (this.#delivering.get(program) === client) {
      const [current] = program.subscribed('messages').filter((one) => one.client === client);
      const message = current && (await program.down.next().catch(() => undefined));
      if (this.#delivering.get(program) !== client) {
        // The one that took its place has not seen this one.
        program.down.rewind();
        return;
      }
      if (current === undefined || message === undefined) return;
      const { qos, deviceId = '' } = current.subscription;
      try {
        await client.publish({ topic: messageTopic(deviceId, message.topic), payload: message.payload }, qos);
      } catch {
        return;
      }
      program.down.drop(message);
    }
  }
}
