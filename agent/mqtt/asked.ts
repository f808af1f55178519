import type mqtt from 'mqtt';
import { Fault } from '../failure/failure.ts';
import type { HubMessage } from './hub-session.ts';

type Done = (error?: Error) => void;

const lost = (): Fault => new Fault('NL-HUB-LOST');

/** What is asked of the server beside the SDK. mqtt 4.3.8 without reconnects calls no callback when the connection goes. */
export class AskedOfServer {
  readonly #waiting = new Set<(lost: Fault) => void>();
  #client: mqtt.Client | undefined;

  /** The connection has CONNACK 0. */
  open(client: mqtt.Client): void {
    this.#client = client;
  }

  /** The connection is over, or is to be used no more. */
  close(): void {
    this.#client = undefined;
    for (const reject of this.#waiting) reject(lost());
    this.#waiting.clear();
  }

  /** QoS 1: fulfilled by the PUBACK; QoS 0: when written. @throws Fault NL-HUB-LOST when the connection ends before */
  publish({ topic, payload, qos }: HubMessage): Promise<void> {
    return this.#ask((client, done) => client.publish(topic, Buffer.from(payload), { qos }, done));
  }

  /** @throws Fault NL-HUB-LOST when the connection ends before SUBACK; Error where the server refuses the filter */
  subscribe(filter: string, qos: 0 | 1): Promise<void> {
    return this.#ask((client, done) =>
      client.subscribe(filter, { qos }, (error, grants = []) => {
        const isRefused = grants.some((grant) => grant.qos > 2);
        done(error ?? (isRefused ? new Error(`The server refuses a subscription to ${filter}.`) : undefined));
      }),
    );
  }

  /** @throws Fault NL-HUB-LOST when the connection ends before UNSUBACK */
  unsubscribe(filter: string): Promise<void> {
    return this.#ask((client, done) => client.unsubscribe(filter, {}, done));
  }

  #ask(ask: (client: mqtt.Client, done: Done) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#client === undefined) return reject(lost());
      this.#waiting.add(reject);
      ask(this.#client, (error) => {
        this.#waiting.delete(reject);
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
