import { failure } from '../failure/failure.ts';
import type { Client, Stored } from './ports.ts';
import type { Program } from './program.ts';
import type { Shared } from './shared.ts';
import { messageTopic } from './topics.ts';

/** Without PUBACK, at once. Not more bytes: a client that does not read a MiB is closed (wire/limits.ts). */
const MOST = 16;
const MOST_BYTES = 256 * 1_024;
/**
 * As a hub does it ("Lock timeout … 60 seconds", "Maximum delivery count … 10", articles/iot-hub/iot-hub-devguide-messages-c2d.md):
 * a message that has no PUBACK for so long is delivered again, and then set aside. The SDK of C never acknowledges one whose
 * properties are not ASCII (azure-iot-sdk-c, urlencode.c), and none that was abandoned.
 */
const LOCK_MS = 60_000;
const MOST_DELIVERIES = 10;
/** A client that left so often with a message gets one at a time: one of them may be what it falls over. */
const WARY = 3;
const IDLE_MS = 60 * 60_000;

/** Delivers the messages of a program to a client, some at once, until it is ended. */
export class InboxDelivery {
  readonly client: Client;
  readonly #program: Program;
  readonly #shared: Pick<Shared, 'clock' | 'setAside'>;
  /** Without PUBACK, by sequence. */
  readonly #sent = new Map<number, { readonly at: number; readonly bytes: number }>();
  #nap = new AbortController();
  #isOver = false;

  constructor(program: Program, client: Client, shared: Pick<Shared, 'clock' | 'setAside'>) {
    this.client = client;
    this.#program = program;
    this.#shared = shared;
    void this.#run();
  }

  /** There is something new: a message, a PUBACK, the end. */
  wake(): void {
    // Without a reason, node makes a DOMException with its stack each time, also where the nap is over.
    this.#nap.abort('woken');
  }

  /** Another client takes its place, or none is there. */
  end(): void {
    this.#isOver = true;
    this.wake();
  }

  async #run(): Promise<void> {
    const { clock } = this.#shared;
    const { down, inbox, deliveries, sessions } = this.#program;
    if (inbox.count === 0) deliveries.clear();
    inbox.rewind();
    let hasLate = false;
    while (!this.#isOver) {
      this.#nap = new AbortController();
      const at = clock.monotonic();
      for (const [sequence, one] of this.#sent) if (one.at + LOCK_MS <= at) hasLate = this.#sent.delete(sequence);
      const message = this.#isFull ? undefined : await down.next().catch(() => undefined);
      if (this.#isOver) break;
      if (message === undefined && hasLate && !this.#isFull) {
        hasLate = false;
        inbox.rewind();
      } else if (message === undefined) {
        // What cannot be read now is tried again.
        const restMs = inbox.count > this.#sent.size ? LOCK_MS : IDLE_MS;
        const first = Math.min(...[...this.#sent.values()].map((one) => one.at + LOCK_MS), at + restMs);
        await clock.sleep(first - at, this.#nap.signal);
      } else if (!this.#sent.has(message.sequence) && !(await this.#isSpent(message))) {
        const [current] = sessions.to('messages').filter(({ client }) => client === this.client);
        if (current === undefined || this.#isOver) break;
        void this.#send(message, current.subscription.qos, current.subscription.deviceId ?? '');
      }
    }
    // What was taken here has not been seen by the client that takes its place.
    inbox.rewind();
  }

  get #isFull(): boolean {
    const bytes = [...this.#sent.values()].reduce((sum, one) => sum + one.bytes, 0);
    const isWary = [...this.#program.deliveries.values()].some(({ left }) => left >= WARY);
    return this.#sent.size >= (isWary ? 1 : MOST) || bytes >= MOST_BYTES;
  }

  /** @returns whether it is set aside */
  async #isSpent(message: Stored): Promise<boolean> {
    const { clock, setAside } = this.#shared;
    const { inbox, deliveries } = this.#program;
    const { sequence } = message;
    const at = clock.monotonic();
    const before = deliveries.get(sequence) ?? { count: 0, at: Number.NEGATIVE_INFINITY, left: 0 };
    if (at - before.at < LOCK_MS) return false;
    if (before.count >= MOST_DELIVERIES) {
      const words = `The program has not acknowledged it, though it was delivered for ${before.count} minutes.`;
      const why = failure('NL-UPLINK-UNTAKEN', { message: words });
      try {
        await setAside(this.#program, message, why);
        deliveries.delete(sequence);
        inbox.drop(message);
        return true;
      } catch {}
    }
    deliveries.set(sequence, { ...before, count: before.count + 1, at });
    return false;
  }

  async #send(message: Stored, qos: 0 | 1, deviceId: string): Promise<void> {
    const { inbox, deliveries } = this.#program;
    const { sequence, payload } = message;
    this.#sent.set(sequence, { at: this.#shared.clock.monotonic(), bytes: payload.length });
    try {
      await this.client.publish({ topic: messageTopic(deviceId, message.topic), payload }, qos);
      deliveries.delete(sequence);
      inbox.drop(message);
    } catch {
      const known = deliveries.get(sequence);
      if (known !== undefined && this.#sent.has(sequence)) deliveries.set(sequence, { ...known, left: known.left + 1 });
    }
    this.#sent.delete(sequence);
    this.wake();
  }
}
