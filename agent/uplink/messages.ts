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
  readonly #clock: Clock;

  constructor(programs: () => readonly Program[], clock: Clock) {
    this.#programs = programs;
    this.#clock = clock;
  }

  /** Whether newleaf needs the subscription at the hub. */
  get areWanted(): boolean {
    return this.#programs().some((program) => program.wants('messages'));
  }

  /**
   * Fulfilled when all programs have it. Waits for room: meanwhile the hub holds the message and those behind it, 50 at most,
   * and tells its senders.
   * @throws Error where no program wants messages, or the session ends first: the hub sends the message again
   */
  arrived(session: HubSession, bag: string, { payload }: HubMessage): Promise<void> {
    const over = new AbortController();
    void session.closed.then(() => over.abort());
    return this.#storing.take(async () => {
      const programs = this.#programs().filter((program) => program.wants('messages'));
      if (programs.length === 0) throw new Error('no program wants messages');
      for (const program of programs) {
        while (!(await this.#isStored(program, { topic: bag, payload }))) {
          await this.#clock.sleep(ROOM_MS, over.signal);
          if (over.signal.aborted) throw new Error('the session is over');
        }
        this.deliver(program);
      }
    });
  }

  async #isStored(program: Program, message: Message): Promise<boolean> {
    // A program that has been removed, or has lost its session, holds up no other.
    if (!program.wants('messages')) return true;
    return program.inbox.append(message).then(
      () => true,
      () => false,
    );
  }

  /** Called when there is a message, or a new subscriber. */
  deliver(program: Program): void {
    const [first] = program.subscribed('messages');
    if (first === undefined || this.#delivering.get(program) === first.client) return;
    this.#delivering.set(program, first.client);
    void this.#run(program, first.client).finally(() => {
      if (this.#delivering.get(program) !== first.client) return;
      this.#delivering.delete(program);
      // One may have come between the last look and now.
      if (program.inbox.count > 0 && program.has(first.client)) setImmediate(() => this.deliver(program));
    });
  }

  async #run(program: Program, client: Client): Promise<void> {
    program.inbox.rewind();
    while (this.#delivering.get(program) === client) {
      const [current] = program.subscribed('messages').filter((one) => one.client === client);
      const message = current && (await program.inbox.next().catch(() => undefined));
      if (current === undefined || message === undefined) return;
      const { qos, deviceId = '' } = current.subscription;
      try {
        await client.publish({ topic: messageTopic(deviceId, message.topic), payload: message.payload }, qos);
      } catch {
        return;
      }
      program.inbox.drop(message);
    }
  }
}
