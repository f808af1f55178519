import { type Code, type Failure, failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import type { OwnTerms } from '../state/program-terms.ts';
import { Turns } from '../time/turns.ts';
import { Flow } from './flow.ts';
import type { Message, MessageQueue } from './ports.ts';
import { type ProgramRecord, writeRecord } from './programs.ts';
import { Sessions } from './sessions.ts';

/** What is known of a message that has been delivered, and has no PUBACK. */
interface Delivered {
  /** Once in the time of the lock: a program that starts again each second does not use them up. */
  readonly count: number;
  readonly at: number;
  /** How often the client left with it. */
  readonly left: number;
}

const TOLD_MS = 86_400_000;

/** A program of this gateway: its sessions, its queue to the hub, and its messages from the hub. */
export class Program {
  readonly name: string;
  readonly connects: ProgramRecord['connects'];
  readonly key: string | undefined;
  #terms: OwnTerms;
  /** To the hub. */
  readonly queue: MessageQueue;
  /** From the hub. */
  readonly inbox: MessageQueue;
  /** Of its clients. */
  readonly sessions: Sessions;
  readonly up: Flow;
  readonly down: Flow;
  /** Counted since the start. */
  readonly counts = { forwarded: 0, resent: 0, dropped: 0, refused: 0, setAside: 0 };
  /** Why its clients cannot connect, and why its messages are refused, at present. */
  unreachable: Failure | undefined;
  refusal: Failure | undefined;
  /** From the hub, without a PUBACK of the program: by sequence. */
  readonly deliveries = new Map<number, Delivered>();
  /** Messages are set aside one after the other. */
  readonly asides = new Turns();
  /** Why messages were set aside, or lost on their way to the program, and when last; monotonic, in milliseconds. */
  readonly #losses = new Map<Code, { readonly why: Failure; readonly at: number }>();
  readonly #directory: string;
  readonly #writes = new Turns();
  /** The record on disk. */
  #written: string;
  #lostBefore = 0;

  /** @param now wall clock in milliseconds; undefined while it is not credible */
  constructor(
    directory: string,
    record: ProgramRecord,
    queue: MessageQueue,
    inbox: MessageQueue,
    now: () => number | undefined,
  ) {
    const { name, connects, key, terms, sessions } = record;
    this.#directory = directory;
    this.name = name;
    this.connects = connects;
    this.key = key;
    this.#terms = terms;
    this.queue = queue;
    this.inbox = inbox;
    this.up = new Flow(queue, 'the hub', now);
    this.down = new Flow(inbox, 'the program', now);
    this.sessions = new Sessions(sessions, () => this.#save());
    this.#written = JSON.stringify({ name, connects, terms, sessions });
  }

  get terms(): OwnTerms {
    return this.#terms;
  }

  /** @throws Fault NL-STATE-WRITE; then they are as before */
  set(terms: OwnTerms): Promise<void> {
    return this.#save(terms);
  }

  /** What is wrong, a cause before its effects. */
  get troubles(): readonly Failure[] {
    const losses = [...this.#losses.values()].map(({ why }) => why);
    const isLost = this.connects === 'key' && this.key === undefined;
    const lost = isLost ? failure('NL-UPLINK-KEY', { message: `The key of ${this.name} is damaged.` }) : undefined;
    const all = [this.unreachable, lost, this.refusal, ...losses, this.up.trouble, this.down.trouble];
    return all.filter((one) => one !== undefined);
  }

  /** A trouble for a day: what a program sends once in an hour must not look well in between. */
  lost(why: Failure, at: number): void {
    this.#losses.set(why.code, { why, at });
  }

  /** It was no fault of the program. */
  cleared(code: Code): void {
    this.#losses.delete(code);
  }

  /** @param openMs how long the session was open since the last look */
  look(openMs: number, at: number): void {
    for (const flow of [this.up, this.down]) flow.look(openMs);
    for (const [code, loss] of this.#losses) if (at - loss.at >= TOLD_MS) this.#losses.delete(code);
    const { dropped, damaged } = this.inbox.counts;
    if (dropped + damaged > this.#lostBefore) {
      const message = `${dropped + damaged - this.#lostBefore} messages from the cloud are lost: they waited for the program until there was no room, or for 48 hours.`;
      this.lost(failure('NL-UPLINK-UNTAKEN', { message }), at);
    }
    this.#lostBefore = dropped + damaged;
  }

  /** Stores a message from the cloud, the oldest give way to it. @throws Fault NL-UPLINK-FULL, NL-UPLINK-DISK */
  async receive(message: Message): Promise<void> {
    try {
      await this.inbox.append(message);
    } catch (error) {
      if (failureOf(error).code !== 'NL-UPLINK-FULL') throw error;
      // A queue drops none that is on its way to the program.
      this.inbox.rewind();
      await this.inbox.append(message);
    }
  }

  async #save(terms?: OwnTerms): Promise<void> {
    await this.#writes.take(async () => {
      const { name, connects } = this;
      const record = { name, connects, terms: terms ?? this.#terms, sessions: this.sessions.record };
      const text = JSON.stringify(record);
      if (text !== this.#written) await writeRecord(this.#directory, record);
      [this.#written, this.#terms] = [text, record.terms];
    });
  }
}
