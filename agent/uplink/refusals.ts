import { type Failure, failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import type { Clock } from '../time/clock.ts';
import type { Client, Message } from './ports.ts';
import type { Program } from './program.ts';
import type { Rejected } from './rejected.ts';
import type { SparingLog } from './sparing-log.ts';
import { LARGEST_MESSAGE } from './topics.ts';

/** Keeps a message for a person to look at. */
export type KeepRejected = (program: Program, message: Rejected, why: Failure) => Promise<void>;

interface RefusalOptions {
  readonly clock: Clock;
  readonly sparing: SparingLog;
  readonly keep: KeepRejected;
  readonly over: AbortSignal;
}

/** A program that sends on what is refused, or set aside, is slowed down to one message in this time. */
const REFUSED_MS = 1_000;

/** Of a message that is too large: a program that sends such ones again and again must not wear out the flash. */
const KEPT_BYTES = 4_096;

/** What becomes of a message that does not go to the hub: a program has it still, or it is set aside. */
export class Refusals {
  readonly #options: RefusalOptions;
  /** They have sent a message that was refused, and are about to be ended. */
  readonly #refused = new WeakSet<Client>();

  constructor(options: RefusalOptions) {
    this.#options = options;
  }

  /**
   * A message that no hub takes. A hub closes the connection over it, and a program that sends it again would stand for ever: so
   * it is acknowledged, and what is behind it goes on.
   * @throws Fault NL-UPLINK-DISK, NL-STATE-WRITE
   */
  reject(client: Client, program: Program, message: Message, why: string): Promise<void> {
    return program.asides.take(async () => {
      const { clock, over } = this.#options;
      const most = message.payload.length > LARGEST_MESSAGE ? KEPT_BYTES : LARGEST_MESSAGE;
      const rejected = { ...message, payload: message.payload.subarray(0, most), at: clock.now() };
      try {
        await this.setAside(program, rejected, failure('NL-UPLINK-CONTENT', { message: `No hub takes it: ${why}.` }));
      } catch (error) {
        await this.refuse(client, program, failureOf(error));
      }
      await clock.sleep(REFUSED_MS, over);
    });
  }

  async setAside(program: Program, message: Rejected, why: Failure): Promise<void> {
    const { clock, keep, sparing } = this.#options;
    await keep(program, message, why);
    program.counts.setAside += 1;
    program.lost(why, clock.monotonic());
    const { name: id } = program;
    const { code, advice } = why;
    sparing.warn('uplink-set-aside', `Program ${id}`, 'a message is set aside', why.message, { id, code, advice });
  }

  /**
   * Messages behind one that was refused are refused without a word: it would be the same for each.
   * @throws where one was
   */
  follow(client: Client, program: Program): void {
    if (!this.#refused.has(client)) return;
    program.counts.refused += 1;
    throw new Error('a message before it was refused');
  }

  /**
   * A message that cannot be kept now: the program has it still.
   * @throws always: MQTT 3.1.1 has no other word for it
   */
  async refuse(client: Client, program: Program, { code, message, advice }: Failure): Promise<never> {
    const { clock, over, sparing } = this.#options;
    this.follow(client, program);
    program.counts.refused += 1;
    this.#refused.add(client);
    const id = client.program;
    sparing.warn('uplink-refused', `Program ${id}`, `its messages are refused by ${code}`, message, {
      id,
      code,
      advice,
    });
    await clock.sleep(REFUSED_MS, over);
    throw new Error(message);
  }
}
