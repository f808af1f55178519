import assert from 'node:assert/strict';
import { connect } from 'node:net';
import mqtt from 'mqtt';
import type { Simulator } from '../../simulator/simulator.ts';
import type { Gateway } from './gateway.ts';

const RETRY_MS = 100;

export interface CountingOptions {
  /** Milliseconds between two messages. */
  readonly everyMs?: number;
  /** Messages that may wait for their PUBACK. */
  readonly window?: number;
  /** Bytes of a body, which is filled up with blanks; the third of three messages is short all the same. */
  readonly bodyBytes?: number;
}

/**
 * A program that counts: each of its messages is the next number, and it sends a number again until it has the PUBACK, as a
 * careful program does. It connects anew whenever the connection ends.
 */
export class Counting {
  readonly name: string;
  /** The numbers that were acknowledged, in this order. */
  readonly acknowledged: number[] = [];
  /** Milliseconds from PUBLISH to PUBACK, of those that were sent once. */
  readonly tookMs: number[] = [];
  /** Connections that were lost. */
  losses = 0;
  /** What had no PUBACK at each of the power cuts that kept any part of it. */
  readonly torn: ReadonlySet<number>[] = [];
  readonly #socket: string;
  readonly #window: number;
  readonly #bodyBytes: number;
  /** Without PUBACK, in order. */
  readonly #open = new Map<number, { sentAt: number; times: number }>();
  #next = 1;
  #ended = false;
  #client: mqtt.Client | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(name: string, socket: string, { everyMs = 20, window = 8, bodyBytes = 0 }: CountingOptions = {}) {
    this.name = name;
    this.#socket = socket;
    this.#window = window;
    this.#bodyBytes = bodyBytes;
    this.#dial();
    this.#timer = setInterval(() => this.#tick(), everyMs);
  }

  /** Numbers that were sent, acknowledged or not. */
  get sent(): number {
    return this.#next - 1;
  }

  /** Sends no new number, and waits until all are acknowledged. */
  async finish(timeoutMs = 60_000): Promise<void> {
    clearInterval(this.#timer);
    const deadline = Date.now() + timeoutMs;
    while (this.#open.size > 0) {
      assert.ok(Date.now() < deadline, `${this.name}: ${this.#open.size} numbers have no PUBACK`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.stop();
  }

  /** The power was cut: of what had no PUBACK, the disk of the gateway may have kept any part. */
  powerCut(): void {
    this.torn.push(new Set(this.#open.keys()));
  }

  /** Without waiting for anything. */
  stop(): void {
    this.#ended = true;
    clearInterval(this.#timer);
    this.#client?.end(true);
  }

  #tick(): void {
    const client = this.#client;
    if (client?.connected !== true || this.#open.size >= this.#window) return;
    const number = this.#next++;
    this.#open.set(number, { sentAt: 0, times: 0 });
    this.#send(client, number);
  }

  #send(client: mqtt.Client, number: number): void {
    const open = this.#open.get(number);
    if (open === undefined) return;
    open.times += 1;
    open.sentAt = performance.now();
    const body = String(number).padEnd(number % 3 === 0 ? 0 : this.#bodyBytes);
    client.publish(`devices/${this.name}/messages/events/by=${this.name}`, body, { qos: 1 }, (error) => {
      if (error || this.#open.get(number) !== open || client !== this.#client) return;
      this.#open.delete(number);
      this.acknowledged.push(number);
      if (open.times === 1) this.tookMs.push(performance.now() - open.sentAt);
    });
  }

  #dial(): void {
    if (this.#ended) return;
    const stream = connect(this.#socket);
    stream.on('error', () => {});
    const client = new mqtt.Client(() => stream, {
      clientId: this.name,
      reconnectPeriod: 0,
      clean: false,
      keepalive: 30,
    });
    this.#client = client;
    client.on('error', () => {});
    client.on('connect', () => {
      for (const number of this.#open.keys()) this.#send(client, number);
    });
    stream.once('close', () => {
      if (client !== this.#client || this.#ended) return;
      this.losses += 1;
      this.#client = undefined;
      client.end(true);
      setTimeout(() => this.#dial(), RETRY_MS);
    });
  }
}

export interface Kept {
  readonly arrived: number;
  /** Arrivals of a number that had arrived before. */
  readonly twice: number;
}

/**
 * Every acknowledged number arrived at the hubs, and each number for the first time in its order; among those that were torn at
 * one time, in any.
 */
export async function assertKept(
  far: Simulator,
  deviceId: string,
  program: Pick<Counting, 'name' | 'acknowledged'> & Partial<Pick<Counting, 'torn'>>,
): Promise<Kept> {
  const numbers = await arrivals(far, deviceId, program.name);
  const first = inOrder([...new Set(numbers)], program.torn ?? []);
  const has = new Set(first);
  const missing = program.acknowledged.filter((number) => !has.has(number));
  assert.deepEqual(missing, [], `${program.name}: acknowledged, and lost`);
  assert.deepEqual(
    first,
    [...first].sort((a, b) => a - b),
    `${program.name}: out of order`,
  );
  return { arrived: first.length, twice: numbers.length - first.length };
}

/** The same, with the members of each set in order where they are. */
export function inOrder(numbers: readonly number[], sets: readonly ReadonlySet<number>[]): readonly number[] {
  let found = numbers;
  for (const set of sets) {
    const sorted = found.filter((number) => set.has(number)).sort((a, b) => a - b);
    found = found.map((number) => (set.has(number) ? (sorted.shift() ?? number) : number));
  }
  return found;
}

/** The numbers of a program at both hubs, in the order of their arrival. */
export async function arrivals(far: Simulator, deviceId: string, program: string): Promise<number[]> {
  const pages = await Promise.all((['hub1', 'hub2'] as const).map((hub) => far.telemetry(hub, deviceId, 0, 1_000_000)));
  return pages
    .flatMap(({ messages }) => messages)
    .filter(({ properties }) => properties.by === program)
    .sort((a, b) => a.at - b.at)
    .map(({ body }) => Number(body));
}

/** Waits until the queue of the program is empty: all of it is at the hub. */
export const drained = (gateway: Gateway, program: string): Promise<void> =>
  queues(gateway, program, (queued) => queued === 0);

/** Waits until its queue has a number of messages. */
export async function queues(
  gateway: Gateway,
  program: string,
  enough: (queued: number) => boolean,
  timeoutMs = 60_000,
) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const { programs } = await gateway.uplink();
    const queued = programs.find(({ name }) => name === program)?.queued;
    if (queued !== undefined && enough(queued)) return;
    assert.ok(Date.now() < deadline, `${program}: ${queued} messages wait still`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
