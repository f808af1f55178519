import { type Code, type Failure, failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import type { OwnTerms } from '../state/program-terms.ts';
import { Turns } from '../time/turns.ts';
import { Flow } from './flow.ts';
import type { Client, Message, MessageQueue } from './ports.ts';
import { type ProgramRecord, writeRecord } from './programs.ts';
import { type FilterKind, readFilter } from './topics.ts';

/** A filter that a client has subscribed to. */
interface Subscription {
  readonly kind: FilterKind;
  readonly qos: 0 | 1;
  /** The device ID that the program was told. */
  readonly deviceId?: string;
}

/** What is known of a message that has been delivered, and has no PUBACK. */
interface Delivered {
  /** Once in the time of the lock: a program that starts again each second does not use them up. */
  readonly count: number;
  readonly at: number;
  /** How often the client left with it. */
  readonly left: number;
}

/** By the filter. */
type Subscriptions = Map<string, Subscription>;

/** Sessions with CleanSession 0 that a program may have: a client that draws its ID anew each time must not fill the disk. */
const MOST_SESSIONS = 8;

const TOLD_MS = 86_400_000;

/** A program of this gateway: its clients, its queue to the hub, and its messages from the hub. */
export class Program {
  readonly name: string;
  readonly connects: ProgramRecord['connects'];
  readonly key: string | undefined;
  #terms: OwnTerms;
  /** To the hub. */
  readonly queue: MessageQueue;
  /** From the hub. */
  readonly inbox: MessageQueue;
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
  readonly #clients = new Map<Client, Subscriptions>();
  /** With CleanSession 0, by client ID: the subscriptions of its client, be it here or not. */
  readonly #sessions = new Map<string, Subscriptions>();
  readonly #writes = new Turns();
  /** The record on disk, as far as it changes. */
  #written: string;
  /** When the client of a session was last here, or newleaf has started; monotonic, in milliseconds. */
  readonly #seen = new Map<string, number>();
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
    for (const [id, filters] of Object.entries(sessions)) this.#sessions.set(id, subscriptionsTo(filters));
    this.#written = JSON.stringify(this.#record());
  }

  get terms(): OwnTerms {
    return this.#terms;
  }

  /** @throws Fault NL-STATE-WRITE; then they are as before, until the next write */
  async set(terms: OwnTerms): Promise<void> {
    const before = this.#terms;
    this.#terms = terms;
    try {
      await this.#save();
    } catch (error) {
      this.#terms = before;
      throw error;
    }
  }

  get clients(): readonly Client[] {
    return [...this.#clients.keys()];
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

  /** Ends the sessions of clients that are away. @param longestMs only those that are away for longer @returns how many */
  async forget(at: number, longestMs = 0): Promise<number> {
    for (const { clientId } of this.clients) this.#seen.set(clientId, at);
    const ended = [...this.#sessions.keys()].filter((id) => {
      if (!this.#seen.has(id)) this.#seen.set(id, at);
      const isHere = this.clients.some(({ clientId }) => clientId === id);
      return !isHere && at - (this.#seen.get(id) ?? at) >= longestMs;
    });
    for (const id of ended) {
      this.#seen.delete(id);
      this.#sessions.delete(id);
    }
    await this.#save();
    return ended.length;
  }

  /** @returns whether there is a session of before */
  async opened(client: Client): Promise<boolean> {
    const kept = client.clean ? undefined : this.#sessions.get(client.clientId);
    this.#clients.set(client, kept ?? new Map());
    if (client.clean) this.#sessions.delete(client.clientId);
    await this.#save();
    return kept !== undefined;
  }

  async subscribe(client: Client, filter: string, subscription: Subscription): Promise<void> {
    const subscriptions = this.#clients.get(client)?.set(filter, subscription);
    await this.#keep(client, subscriptions);
  }

  async unsubscribe(client: Client, filter: string): Promise<void> {
    const subscriptions = this.#clients.get(client);
    subscriptions?.delete(filter);
    await this.#keep(client, subscriptions);
  }

  closed(client: Client): void {
    this.#clients.delete(client);
    // Its time begins at the next look.
    this.#seen.delete(client.clientId);
  }

  /** The connected clients with such a subscription, the latest connected first. */
  subscribed(kind: FilterKind): { readonly client: Client; readonly subscription: Subscription }[] {
    return [...this.#clients].reverse().flatMap(([client, subscriptions]) => {
      const subscription = [...subscriptions.values()].find((one) => one.kind === kind);
      return subscription === undefined ? [] : [{ client, subscription }];
    });
  }

  /** Whether it wants messages of this kind, be it connected now or not (MQTT 3.1.1 section 3.1.2.4). */
  wants(kind: FilterKind): boolean {
    const all = [...this.#sessions.values(), ...this.#clients.values()];
    return all.some((subscriptions) => [...subscriptions.values()].some((one) => one.kind === kind));
  }

  /** Before SUBACK: a session that was granted is there after a power cut. One without a subscription is nothing to keep. */
  async #keep({ clean, clientId }: Client, subscriptions: Subscriptions | undefined): Promise<void> {
    this.#sessions.delete(clientId);
    if (!clean && subscriptions?.size) this.#sessions.set(clientId, subscriptions);
    for (const oldest of [...this.#sessions.keys()].slice(0, -MOST_SESSIONS)) this.#sessions.delete(oldest);
    await this.#save();
  }

  #record(): ProgramRecord {
    const { name, connects, terms } = this;
    const filters = (subscriptions: Subscriptions) =>
      Object.fromEntries([...subscriptions].map(([filter, { qos }]) => [filter, qos]));
    const sessions = Object.fromEntries([...this.#sessions].map(([id, one]) => [id, filters(one)]));
    return { name, connects, terms, sessions };
  }

  async #save(): Promise<void> {
    await this.#writes.take(async () => {
      const record = this.#record();
      const text = JSON.stringify(record);
      if (text === this.#written) return;
      await writeRecord(this.#directory, record);
      this.#written = text;
    });
  }
}

function subscriptionsTo(filters: Readonly<Record<string, 0 | 1>>): Subscriptions {
  const read = ([filter, qos]: readonly [string, 0 | 1]) => {
    const known = readFilter(filter);
    return known === undefined ? [] : [[filter, { ...known, qos }] as const];
  };
  return new Map(Object.entries(filters).flatMap(read));
}
