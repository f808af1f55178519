import { setMaxListeners } from 'node:events';
import type { HubMessage, HubSession } from '../../../agent/mqtt/hub-session.ts';
import type { Clock } from '../../../agent/time/clock.ts';

/** What a hub does with a message. */
export interface Verdict {
  /** `mute`: it takes the message, and sends no PUBACK. */
  readonly of: 'take' | 'close' | 'mute';
  /** Between its arrival and this, in milliseconds. */
  readonly afterMs?: number;
}

const TAKE: Verdict = { of: 'take' };
export const CLOSE: Verdict = { of: 'close' };

interface Arrived {
  readonly text: string;
  readonly at: number;
  readonly session: number;
}

/** A session with the hub that a test plays. */
export class PlayedSession implements HubSession {
  readonly deviceId: string;
  readonly closed: HubSession['closed'];
  readonly openedAt: number;
  readonly number: number;
  endedAt: number | undefined;
  givenUp: string | undefined;
  /** All PUBLISHes, those of QoS 0 among them. */
  readonly published: HubMessage[] = [];
  /** Filters, in order: `+` for a SUBSCRIBE, `-` for an UNSUBSCRIBE. */
  readonly filters: string[] = [];
  readonly #hub: PlayedHub;
  readonly #over = new AbortController();
  readonly #waiting = new Set<(error: Error) => void>();
  #settle: (how: Awaited<HubSession['closed']>) => void = () => {};
  /** The hub looks at one message after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(hub: PlayedHub, number: number, deviceId: string) {
    this.#hub = hub;
    this.number = number;
    this.deviceId = deviceId;
    this.openedAt = hub.clock.monotonic();
    setMaxListeners(0, this.#over.signal);
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get isOpen(): boolean {
    return this.endedAt === undefined;
  }

  get topics(): string[] {
    return this.published.map(({ topic }) => topic);
  }

  publish(message: HubMessage): Promise<void> {
    if (!this.isOpen) return Promise.reject(new Error('the session is over'));
    this.published.push(message);
    this.#hub.publishes += 1;
    const taken = this.#take(message);
    if (message.qos === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      void taken.then((isTaken) => {
        if (isTaken && this.#waiting.delete(reject)) resolve();
      });
    });
  }

  async subscribe(filter: string, qos: 0 | 1): Promise<void> {
    this.filters.push(`+${filter} ${qos}`);
  }

  async unsubscribe(filter: string): Promise<void> {
    this.filters.push(`-${filter}`);
  }

  giveUp(why: string): void {
    this.givenUp = why;
    this.end();
  }

  /** @param how `ended` where newleaf itself ends it */
  end(how: 'lost' | 'ended' = 'lost'): void {
    if (!this.isOpen) return;
    this.endedAt = this.#hub.clock.monotonic();
    this.#over.abort();
    for (const reject of this.#waiting) reject(new Error('the session is over'));
    this.#waiting.clear();
    this.#settle(how);
  }

  /** @returns whether the PUBACK has come back */
  async #take({ topic, payload, qos }: HubMessage): Promise<boolean> {
    const { clock, rttMs } = this.#hub;
    const wait = (ms: number) => (ms > 0 ? clock.sleep(ms, this.#over.signal) : undefined);
    const isHere = wait(rttMs / 2);
    let isAcknowledged = qos === 1;
    // In order, also where the link becomes faster.
    const turn = this.#turn.then(async () => {
      await isHere;
      if (!this.isOpen) return;
      const text = Buffer.from(payload).toString();
      const verdict = this.#hub.verdict(text, this) ?? TAKE;
      await wait(verdict.afterMs ?? 0);
      if (!this.isOpen) return;
      if (verdict.of === 'mute') isAcknowledged = false;
      if (verdict.of === 'close') this.end();
      else if (topic.includes('/messages/events/'))
        this.#hub.arrived.push({ text, at: clock.monotonic(), session: this.number });
    });
    this.#turn = turn;
    await turn;
    await wait(rttMs / 2);
    return isAcknowledged && this.isOpen;
  }
}

export class PlayedHub {
  readonly clock: Clock;
  rttMs = 50;
  /** Every event that the hub has taken, repeated ones among them. */
  readonly arrived: Arrived[] = [];
  readonly sessions: PlayedSession[] = [];
  publishes = 0;
  /** By default it takes everything. */
  verdict: (text: string, session: PlayedSession) => Verdict | undefined = () => undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** CONNACK 0 and the twin read. */
  accept(deviceId = 'gw-0001'): PlayedSession {
    const session = new PlayedSession(this, this.sessions.length + 1, deviceId);
    this.sessions.push(session);
    return session;
  }

  get open(): PlayedSession | undefined {
    return this.sessions.findLast(({ isOpen }) => isOpen);
  }

  get texts(): string[] {
    return this.arrived.map(({ text }) => text);
  }

  /** In the order of first arrival. */
  get firsts(): string[] {
    return [...new Set(this.texts)];
  }
}
