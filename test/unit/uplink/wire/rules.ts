import type { Line, Log } from '../../../../agent/machine/log.ts';
import type { Client, ClientRules, Message } from '../../../../agent/uplink/ports.ts';

/** A message that came, with the means to answer it. */
export interface Came {
  readonly client: Client;
  readonly topic: string;
  readonly text: string;
  readonly qos: 0 | 1;
  readonly store: () => void;
  readonly refuse: (error: Error) => void;
}

const LONGEST_MS = 60_000;

/** Rules that note everything. Messages are stored at once, unless `byHand`. */
export class Notes implements ClientRules {
  readonly clients: Client[] = [];
  readonly came: Came[] = [];
  /** Events in order: what happened to which client. */
  readonly events: string[] = [];
  /** Over what connections were closed. */
  readonly broken: string[] = [];
  byHand = false;
  sessionPresent = false;
  /** The answer to each SUBSCRIBE. */
  grant: (filter: string, qos: 0 | 1) => 0 | 1 | 128 | Promise<0 | 1 | 128> = (_, qos) => qos;
  opening: (client: Client) => Promise<void> = async () => {};
  readonly #waiting = new Set<() => void>();

  /** No SUBSCRIBE is answered before the test says so. @returns what answers the last one */
  holdGrant(): (qos: 0 | 1) => void {
    let answer: (qos: 0 | 1) => void = () => {};
    this.grant = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    return (qos) => answer(qos);
  }

  async joined(client: Client): Promise<boolean> {
    this.clients.push(client);
    this.#note(`opened ${client.program}/${client.clientId}`);
    await this.opening(client);
    return this.sessionPresent;
  }

  published(client: Client, { topic, payload }: Message, qos: 0 | 1): Promise<void> {
    return new Promise((store, refuse) => {
      this.came.push({ client, topic, text: Buffer.from(payload).toString(), qos, store, refuse });
      if (!this.byHand) store();
      this.#note(`published ${topic}`);
    });
  }

  async subscribe(client: Client, filter: string, qos: 0 | 1): Promise<0 | 1 | 128> {
    this.#note(`subscribed ${client.clientId} ${filter} ${qos}`);
    return this.grant(filter, qos);
  }

  async unsubscribe(client: Client, filter: string): Promise<void> {
    this.#note(`unsubscribed ${client.clientId} ${filter}`);
  }

  left({ program, clientId }: Client, broke?: string): void {
    if (broke !== undefined) this.broken.push(`${clientId}: ${broke}`);
    this.#note(`closed ${program}/${clientId}`);
  }

  /** Waits until an event makes this true. @throws Error after a minute: a test that waits for ever would say nothing */
  async until(condition: () => boolean): Promise<void> {
    const late = AbortSignal.timeout(LONGEST_MS);
    while (!condition()) {
      if (late.aborted) throw new Error(`only these: ${this.events.join(', ')}`);
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        late.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  #note(event: string): void {
    this.events.push(event);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** Lines from `info` on. */
export function noting(): { readonly log: Log; readonly lines: Line[] } {
  const lines: Line[] = [];
  const note = (line: Line) => void lines.push(line);
  return { log: { error: note, warn: note, info: note, debug: () => {} }, lines };
}
