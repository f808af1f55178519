import { Fault } from '../../../agent/failure/failure.ts';
import type { OwnTerms } from '../../../agent/state/program-terms.ts';

import type { Client, Message, MessageQueue, Stored } from '../../../agent/uplink/ports.ts';
import { Program } from '../../../agent/uplink/program.ts';

/** A queue in memory: what a queue on disk promises, without the disk. */
export class MemoryQueue implements MessageQueue {
  readonly counts = { dropped: 0, damaged: 0 };
  /** Messages that are not dropped. */
  readonly kept: Stored[] = [];
  /** Beyond these it refuses, or drops the oldest that is not taken. */
  most = Number.POSITIVE_INFINITY;
  dropsOldest = false;
  /** An error of the disk, for each read. */
  unreadable: Error | undefined;
  /** The disk does not work from this sequence on. */
  unreadableFrom = Number.POSITIVE_INFINITY;
  /** Messages of one moment have one time, as on a gateway. */
  now = (): number => 0;
  readonly #listeners: (() => void)[] = [];
  readonly #barred = new WeakSet<object>();
  #held: Promise<void> | undefined;
  #sequence = 0;
  #taken = 0;

  get count(): number {
    return this.kept.length;
  }

  get bytes(): number {
    return this.kept.reduce((sum, { payload }) => sum + payload.length, 0);
  }

  get oldestAt(): number | undefined {
    return this.kept[0]?.at;
  }

  get head(): number {
    return this.kept[0]?.sequence ?? this.#sequence + 1;
  }

  async append(message: Message, sender: object = {}): Promise<void> {
    await this.#held;
    const free = this.kept.find(({ sequence }) => sequence > this.#taken);
    if (this.kept.length >= this.most && this.dropsOldest && free !== undefined) {
      this.drop(free);
      this.counts.dropped += 1;
    }
    if (this.kept.length >= this.most) this.#barred.add(sender);
    if (this.#barred.has(sender)) throw new Fault('NL-UPLINK-FULL');
    this.#sequence += 1;
    this.kept.push({ ...message, sequence: this.#sequence, at: this.now() });
    for (const listener of this.#listeners) queueMicrotask(listener);
  }

  /** The next message is not stored before the test says so. @returns what says so */
  hold(): () => void {
    let store = (): void => {};
    this.#held = new Promise((resolve) => {
      store = resolve;
    });
    return store;
  }

  async next(): Promise<Stored | undefined> {
    await undefined;
    if (this.unreadable !== undefined) throw this.unreadable;
    const next = this.kept.find(({ sequence }) => sequence > this.#taken);
    if ((next?.sequence ?? 0) >= this.unreadableFrom) throw new Error('the disk does not work');
    this.#taken = next?.sequence ?? this.#taken;
    return next;
  }

  drop({ sequence }: Stored): void {
    const index = this.kept.findIndex((one) => one.sequence === sequence);
    if (index >= 0) this.kept.splice(index, 1);
  }

  rewind(): void {
    this.#taken = 0;
  }

  onAppend(listener: () => void): void {
    this.#listeners.push(listener);
  }

  bound(): void {}

  async close(): Promise<void> {}
}

export interface TestProgram extends Program {
  readonly queue: MemoryQueue;
  readonly inbox: MemoryQueue;
}

type Sessions = Readonly<Record<string, Readonly<Record<string, 0 | 1>>>>;

/** The codes of what is wrong with a program. */
export const codesOf = ({ troubles }: Program): string[] => troubles.map(({ code }) => code);

/**
 * A program whose clients are all clean writes nothing to its directory.
 * @param directory by default one that not even root can make: a test that writes says so
 */
export function programOf(
  name: string,
  sessions: Sessions = {},
  directory = '/dev/null/none',
  now: () => number | undefined = () => undefined,
  terms: OwnTerms = {},
): TestProgram {
  const queue = new MemoryQueue();
  const inbox = new MemoryQueue();
  inbox.dropsOldest = true;
  return Object.assign(new Program(directory, { name, connects: 'socket', terms, sessions }, queue, inbox, now), {
    queue,
    inbox,
  });
}

/** A client of a program: it notes what it gets, and acknowledges when the test says so. */
export class TestClient implements Client {
  readonly program: string;
  readonly clientId: string;
  readonly clean: boolean;
  readonly got: { readonly topic: string; readonly text: string; readonly qos: 0 | 1 }[] = [];
  /** Whether it sends its PUBACKs by itself. */
  isPrompt = true;
  ended: string | undefined;
  #isGone = false;
  #unacknowledged: { resolve(): void; reject(error: Error): void }[] = [];

  constructor(program: string, clientId = 'c', clean = true) {
    this.program = program;
    this.clientId = clientId;
    this.clean = clean;
  }

  get texts(): string[] {
    return this.got.map(({ text }) => text);
  }

  get topics(): string[] {
    return this.got.map(({ topic }) => topic);
  }

  publish({ topic, payload }: Message, qos: 0 | 1): Promise<void> {
    if (this.#isGone) return Promise.reject(new Error('the client is gone'));
    this.got.push({ topic, text: Buffer.from(payload).toString(), qos });
    if (qos === 0 || this.isPrompt) return Promise.resolve();
    return new Promise((resolve, reject) => this.#unacknowledged.push({ resolve, reject }));
  }

  /** Sends the PUBACK of the first message that waits for it. */
  acknowledge(): void {
    this.#unacknowledged.shift()?.resolve();
  }

  end(reason: string): void {
    this.ended = reason;
  }

  /** What is not acknowledged will not be. */
  go(): void {
    this.#isGone = true;
    for (const { reject } of this.#unacknowledged.splice(0)) reject(new Error('the client is gone'));
  }
}
