import { type Failure, failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import type { HubMessage, HubSession } from '../mqtt/hub-session.ts';
import { Turns } from '../time/turns.ts';
import { InboxDelivery } from './delivery.ts';
import type { Message } from './ports.ts';
import type { Program } from './program.ts';
import type { Shared } from './shared.ts';

/** Between two attempts to store a message that no program has room for. */
const ROOM_MS = 5_000;

/**
 * Cloud-to-device messages. They are stored for each program that wants them before the hub gets its PUBACK, and dropped by the
 * PUBACK of the program: neither a roll nor a reconnect of the program loses one.
 */
export class Messages {
  readonly #shared: Shared;
  readonly #storing = new Turns();
  readonly #delivering = new Map<Program, InboxDelivery>();
  readonly #ends = new WeakMap<HubSession, AbortSignal>();

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /**
   * Fulfilled when the programs that want messages have it. One that has no room for it, or whose disk fails, loses it: it must not
   * hold up the others. Where none has it, or none wants it, the hub holds it and those behind it, 50 at most, and tells its
   * senders.
   * @throws Error where the session ends first: the hub sends the message again
   */
  arrived(session: HubSession, bag: string, { payload }: HubMessage): Promise<void> {
    const over = this.#endOf(session);
    return this.#storing.take(async () => {
      while (!over.aborted) {
        if (await this.#store({ topic: bag, payload })) return;
        await this.#shared.clock.sleep(ROOM_MS, over);
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

  /** @returns whether a program has it */
  async #store(message: Message): Promise<boolean> {
    const wanting = this.#shared.programs().filter(({ sessions }) => sessions.want('messages'));
    const store = async (program: Program) => {
      await program.receive(message);
      this.deliver(program);
    };
    const stored = await Promise.allSettled(wanting.map(store));
    if (stored.every(({ status }) => status === 'rejected')) return false;
    for (const [index, program] of wanting.entries()) {
      const outcome = stored[index];
      if (outcome?.status === 'rejected') this.#lose(program, failureOf(outcome.reason));
    }
    return true;
  }

  #lose(program: Program, { message: met, cause }: Failure): void {
    program.counts.dropped += 1;
    const why = failure('NL-UPLINK-UNTAKEN', { message: `A message from the cloud is lost: ${met}`, cause });
    program.lost(why, this.#shared.clock.monotonic());
  }

  /** Called when there is a message, or another subscriber: the latest one gets them all. */
  deliver(program: Program): void {
    const client = program.sessions.to('messages')[0]?.client;
    const before = this.#delivering.get(program);
    before?.wake();
    if (before?.client === client) return;
    before?.end();
    this.#delivering.delete(program);
    if (client !== undefined) this.#delivering.set(program, new InboxDelivery(program, client, this.#shared));
  }

  /** What waits for a program of which no client is there is read by none: so its age is looked at here. */
  async age(program: Program): Promise<void> {
    if (this.#delivering.has(program) || program.inbox.count === 0) return;
    await program.down.next();
    program.inbox.rewind();
  }

  /** Drops what waits for a program of which no client is there. @returns how many messages */
  async forget(program: Program): Promise<number> {
    if (this.#delivering.has(program)) return 0;
    let count = 0;
    program.inbox.rewind();
    for (let next = await program.down.next(); next !== undefined; next = await program.down.next()) {
      program.inbox.drop(next);
      count += 1;
    }
    return count;
  }
}
