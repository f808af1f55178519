import { isUtf8 } from 'node:buffer';
import { readBag } from './bag.ts';

/** A device-to-cloud message as it came. */
export interface Arrival {
  /** What the topic has after `messages/events/`. */
  readonly bag: string;
  readonly body: Buffer;
  readonly qos: 0 | 1;
  readonly dup: boolean;
  readonly retain: boolean;
  /** Numbers the TCP connections of the whole simulator. */
  readonly connection: number;
}

/** A device-to-cloud message that a hub took. What is false is left out. */
export interface TelemetryMessage {
  /** Counts the messages of its device in this hub, from 1, in the order in which they came. */
  readonly index: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly connection: number;
  readonly bag: string;
  /** As text, or in base64 where it is no UTF-8. */
  readonly body: string;
  readonly base64?: true;
  readonly qos: 0 | 1;
  /** The DUP flag of its PUBLISH. */
  readonly dup?: true;
  readonly retain?: true;
  /** The hub has taken the same message before, and its PUBACK did not go out. */
  readonly again?: true;
}

/** What a back end reads. */
export interface TelemetryPage {
  /** How many messages of this device the hub took, which is the index of the newest. */
  readonly arrived: number;
  /** How many of them are marked `again`. */
  readonly again: number;
  /** How many of the oldest are not kept any more. */
  readonly forgotten: number;
  /** With the properties out of the bag; null where it has only the name. */
  readonly messages: readonly (TelemetryMessage & { readonly properties: Readonly<Record<string, string | null>> })[];
}

const MOST_MESSAGES = 200_000;
const MOST_CHARACTERS = 64 * 1024 * 1024;
/** Space of forgotten messages is freed by this many at a time. */
const SWEEP = 4_096;

const keyOf = ({ bag, body }: TelemetryMessage): string => `${bag}\n${body}`;

/** The messages of one device, the newest of them kept. */
export class Telemetry {
  readonly #kept: TelemetryMessage[] = [];
  /** How many at the beginning of `#kept` are forgotten. */
  #head = 0;
  #characters = 0;
  #arrived = 0;
  #again = 0;
  /** Taken, and not acknowledged: how often. */
  readonly #owed = new Map<string, number>();

  take({ bag, body, qos, dup, retain, connection }: Arrival): TelemetryMessage {
    const text = isUtf8(body);
    const message: TelemetryMessage = {
      index: this.#arrived + 1,
      at: performance.timeOrigin + performance.now(),
      connection,
      bag,
      body: body.toString(text ? 'utf8' : 'base64'),
      ...(!text && { base64: true }),
      qos,
      ...(dup && { dup }),
      ...(retain && { retain }),
    };
    const again = this.#owed.size > 0 && this.#settle(keyOf(message));
    const kept = again ? { ...message, again } : message;
    this.#arrived += 1;
    if (again) this.#again += 1;
    this.#keep(kept);
    return kept;
  }

  /** The connection ended before the PUBACK of this message went out: the device is to send it again. */
  owe(message: TelemetryMessage): void {
    const key = keyOf(message);
    this.#owed.set(key, (this.#owed.get(key) ?? 0) + 1);
  }

  /** Those after this index, at most so many. */
  read(since: number, most: number): TelemetryPage {
    const forgotten = this.#arrived - this.#kept.length + this.#head;
    const from = this.#head + Math.max(0, since - forgotten);
    const messages = this.#kept.slice(from, from + most).map((message) => ({
      ...message,
      properties: Object.fromEntries([
        ...(readBag(message.bag) ?? []),
        // "IoT Hub adds the mqtt-retain application property to the message" (iot-mqtt-connect-to-iot-hub).
        ...(message.retain ? [['mqtt-retain', 'true'] as const] : []),
      ]),
    }));
    return { arrived: this.#arrived, again: this.#again, forgotten, messages };
  }

  #settle(key: string): boolean {
    const owed = this.#owed.get(key);
    if (owed === undefined) return false;
    if (owed === 1) this.#owed.delete(key);
    else this.#owed.set(key, owed - 1);
    return true;
  }

  #keep(message: TelemetryMessage): void {
    this.#kept.push(message);
    this.#characters += message.body.length;
    while (this.#characters > MOST_CHARACTERS || this.#kept.length - this.#head > MOST_MESSAGES) {
      this.#characters -= this.#kept[this.#head]?.body.length ?? 0;
      this.#head += 1;
    }
    if (this.#head < SWEEP) return;
    this.#kept.splice(0, this.#head);
    this.#head = 0;
  }
}
