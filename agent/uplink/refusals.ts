import { type Failure, failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import type { Clock } from '../time/clock.ts';
import { Allowance } from './pace.ts';
import type { Client, Message } from './ports.ts';
import type { Program } from './program.ts';
import type { Rejected } from './rejected.ts';
import type { Shared } from './shared.ts';
import type { SparingLog } from './sparing-log.ts';
import { LARGEST_MESSAGE } from './topics.ts';

interface RefusalOptions {
  readonly clock: Clock;
  readonly sparing: SparingLog;
  readonly keep: Shared['setAside'];
  readonly over: AbortSignal;
}

/** A program that sends on what is refused, or set aside, is slowed down to one message in this time. */
const REFUSED_MS = 1_000;

/** Of a message that is too large: a program that sends such ones again and again must not wear out the flash. */
const KEPT_BYTES = 4_096;

/** For the same reason: so many of a program are written at once, and then one of them in 36 seconds. All are counted. */
const WRITTEN = 100;
const WRITTEN_A_SECOND = WRITTEN / 3_600;

/** What becomes of a message that does not go to the hub: a program has it still, or it is set aside. */
export class Refusals {
  readonly #options: RefusalOptions;
  /** They have sent a message that was refused, and are about to be ended. */
  readonly #refused = new WeakSet<Client>();
  readonly #written = new WeakMap<Program, Allowance>();

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
        const met = failure('NL-UPLINK-CONTENT', { message: `No hub takes it: ${why}.` });
        if (this.#mayWrite(program)) await this.setAside(program, rejected, met);
        else this.#count(program, met);
      } catch (error) {
        await this.refuse(client, program, failureOf(error));
      }
      await clock.sleep(REFUSED_MS, over);
    });
  }

  async setAside(program: Program, message: Rejected, why: Failure): Promise<void> {
    await this.#options.keep(program, message, why);
    this.#count(program, why);
  }

  #mayWrite(program: Program): boolean {
    const allowance = this.#written.get(program) ?? new Allowance(() => WRITTEN);
    this.#written.set(program, allowance);
    return allowance.take(WRITTEN_A_SECOND, this.#options.clock.monotonic());
  }

  #count(program: Program, why: Failure): void {
    const { clock, sparing } = this.#options;
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
