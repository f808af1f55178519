import type { Packet } from 'mqtt-packet';
import { mqttPacket } from '../../mqtt/packets.ts';
import type { Message } from '../ports.ts';

const LARGEST_ID = 65_535;

interface Pending {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Messages to a client, and the packet identifiers of those that it has not acknowledged. */
export class PacketsOut {
  readonly #send: (bytes: Buffer) => void;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  /** What waits for CONNACK: nothing may go before it (MQTT 3.1.1 section 3.2). */
  #held: Buffer[] | undefined = [];
  #over: Error | undefined;

  constructor(send: (bytes: Buffer) => void) {
    this.#send = send;
  }

  /** Answers go out at once; messages wait for `open`. */
  answer(packet: Packet): void {
    this.#send(mqttPacket.generate(packet));
  }

  /** CONNACK has gone out. */
  open(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const bytes of held) this.#send(bytes);
  }

  publish({ topic, payload }: Message, qos: 0 | 1): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#over !== undefined) throw this.#over;
      const body = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
      const publish = { cmd: 'publish', topic, payload: body, qos, dup: false, retain: false } as const;
      if (qos === 0) {
        this.#write(mqttPacket.generate(publish));
        return resolve();
      }
      const messageId = this.#freeId();
      const bytes = mqttPacket.generate({ ...publish, messageId });
      this.#pending.set(messageId, { resolve, reject });
      this.#write(bytes);
    });
  }

  /** A PUBACK. One that we do not wait for means nothing: the client repeats itself. */
  acknowledged(id: number): void {
    this.#pending.get(id)?.resolve();
    this.#pending.delete(id);
  }

  /** The client is gone: nothing more can be sent, nor acknowledged. */
  end(error: Error): void {
    this.#over ??= error;
    this.#held = [];
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #write(bytes: Buffer): void {
    if (this.#held === undefined) this.#send(bytes);
    else this.#held.push(bytes);
  }

  /** MQTT 3.1.1 section 2.3.1: one that is not in use. */
  #freeId(): number {
    if (this.#pending.size >= LARGEST_ID) throw new Error('the client acknowledges nothing');
    do this.#lastId = (this.#lastId % LARGEST_ID) + 1;
    while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }
}
