import type { Client } from './ports.ts';
import type { ProgramRecord } from './programs.ts';
import { type FilterKind, readFilter } from './topics.ts';

/** A filter that a client has subscribed to. */
interface Subscription {
  readonly kind: FilterKind;
  readonly qos: 0 | 1;
  /** The device ID that the program was told. */
  readonly deviceId?: string;
}

/** By the filter. */
type Subscriptions = Map<string, Subscription>;

/** With CleanSession 0, of a program: a client that draws its ID anew each time must not fill the disk. */
const MOST_KEPT = 8;

/** The clients of a program, and what they have subscribed to. */
export class Sessions {
  readonly #clients = new Map<Client, Subscriptions>();
  /** With CleanSession 0, by client ID: the subscriptions of its client, be it here or not. It may call itself `__proto__`. */
  readonly #kept = new Map<string, Subscriptions>();
  /** When the client of a session was last here, or newleaf has started; monotonic, in milliseconds. */
  readonly #seen = new Map<string, number>();
  readonly #save: () => Promise<void>;

  /** @param save keeps the record, where it has changed, over a power cut. It throws Fault NL-STATE-WRITE */
  constructor(kept: ProgramRecord['sessions'], save: () => Promise<void>) {
    for (const [id, filters] of Object.entries(kept)) this.#kept.set(id, subscriptionsTo(filters));
    this.#save = save;
  }

  get clients(): readonly Client[] {
    return [...this.#clients.keys()];
  }

  /** What is to be kept. */
  get record(): ProgramRecord['sessions'] {
    const filters = (subscriptions: Subscriptions) =>
      Object.fromEntries([...subscriptions].map(([filter, { qos }]) => [filter, qos]));
    return Object.fromEntries([...this.#kept].map(([id, subscriptions]) => [id, filters(subscriptions)]));
  }

  /** @returns whether there is a session of before */
  async opened(client: Client): Promise<boolean> {
    const kept = client.clean ? undefined : this.#kept.get(client.clientId);
    this.#clients.set(client, kept ?? new Map());
    if (client.clean) this.#kept.delete(client.clientId);
    await this.#save();
    return kept !== undefined;
  }

  async subscribe(client: Client, filter: string, subscription: Subscription): Promise<void> {
    await this.#keep(client, this.#clients.get(client)?.set(filter, subscription));
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
  to(kind: FilterKind): { readonly client: Client; readonly subscription: Subscription }[] {
    return [...this.#clients].reverse().flatMap(([client, subscriptions]) => {
      const subscription = [...subscriptions.values()].find((one) => one.kind === kind);
      return subscription === undefined ? [] : [{ client, subscription }];
    });
  }

  /** Whether messages of this kind are wanted, by a client that is here or not (MQTT 3.1.1 section 3.1.2.4). */
  want(kind: FilterKind): boolean {
    const all = [...this.#kept.values(), ...this.#clients.values()];
    return all.some((subscriptions) => [...subscriptions.values()].some((one) => one.kind === kind));
  }

  /** Ends those of which the client is away. @param longestMs only where it is away for longer @returns how many */
  async forget(at: number, longestMs = 0): Promise<number> {
    const here = new Set(this.clients.map(({ clientId }) => clientId));
    for (const id of here) this.#seen.set(id, at);
    const ended = [...this.#kept.keys()].filter((id) => {
      if (!this.#seen.has(id)) this.#seen.set(id, at);
      return !here.has(id) && at - (this.#seen.get(id) ?? at) >= longestMs;
    });
    for (const id of ended) for (const known of [this.#seen, this.#kept]) known.delete(id);
    await this.#save();
    return ended.length;
  }

  /** Before SUBACK: a session that was granted is there after a power cut. One without a subscription is nothing to keep. */
  async #keep({ clean, clientId }: Client, subscriptions: Subscriptions | undefined): Promise<void> {
    this.#kept.delete(clientId);
    if (!clean && subscriptions?.size) this.#kept.set(clientId, subscriptions);
    for (const oldest of [...this.#kept.keys()].slice(0, -MOST_KEPT)) this.#kept.delete(oldest);
    await this.#save();
  }
}

function subscriptionsTo(filters: Readonly<Record<string, 0 | 1>>): Subscriptions {
  const read = ([filter, qos]: readonly [string, 0 | 1]) => {
    const known = readFilter(filter);
    return known === undefined ? [] : [[filter, { ...known, qos }] as const];
  };
  return new Map(Object.entries(filters).flatMap(read));
}
