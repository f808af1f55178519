import type { IPublishPacket, ISubscribePacket, IUnsubscribePacket, Packet } from 'mqtt-packet';
import { Turns } from '../../time/turns.ts';
import type { Client } from '../ports.ts';
import type { WireContext } from './context.ts';
import type { PacketsOut } from './packets-out.ts';
import type { Share } from './share.ts';
import { Violation } from './violation.ts';

interface RequestEvents {
  /** It may take more again. */
  readonly eased: () => void;
  /** A request is refused: MQTT 3.1.1 can say that only by closing the connection. */
  readonly failed: (error: unknown) => void;
}

/** What a client asks for once it is connected, and the answers. */
export class Requests {
  readonly #client: Client;
  readonly #context: WireContext;
  readonly #out: PacketsOut;
  readonly #events: RequestEvents;
  readonly #share: Share;
  readonly #leave: () => void;
  /** Subscriptions change one after the other. */
  readonly #turns = new Turns();
  #unanswered = 0;
  /** The PUBACKs so far. */
  #acknowledged: Promise<void> = Promise.resolve();
  #hasFailed = false;
  #isOver = false;

  constructor(client: Client, context: WireContext, out: PacketsOut, events: RequestEvents) {
    this.#client = client;
    this.#context = context;
    this.#out = out;
    this.#events = events;
    this.#share = context.shareOf(client.program);
    this.#leave = this.#share.onEased(events.eased);
  }

  /** The client is gone. Its messages are stored all the same; its subscriptions are no more changed. */
  end(): void {
    this.#isOver = true;
    this.#leave();
  }

  /** Whether nothing more may be read from the client for now, or at all. */
  get isFull(): boolean {
    return this.#hasFailed || this.#unanswered >= this.#context.limits.unanswered || this.#share.isFull;
  }

  /** @throws Violation */
  take(packet: Packet): void {
    if (packet.cmd === 'publish') this.#publish(packet);
    else if (packet.cmd === 'puback') this.#out.acknowledged(packet.messageId ?? 0);
    else if (packet.cmd === 'subscribe') this.#change(packet, () => this.#subscribe(packet));
    else if (packet.cmd === 'unsubscribe') this.#change(packet, () => this.#unsubscribe(packet));
    else if (packet.cmd === 'pingreq') this.#out.answer({ cmd: 'pingresp' });
    else throw new Violation('a packet that no client sends');
  }

  /** DUP is passed over: a message of QoS 1 may come twice, and the hub would not know it, either. */
  #publish({ topic, payload, qos, messageId, length = 0 }: IPublishPacket): void {
    const message = { topic, payload: typeof payload === 'string' ? Buffer.from(payload) : payload };
    const granted = qos === 0 ? 0 : 1;
    const published = async () => this.#context.rules.published(this.#client, message, granted);
    const stored = this.#begin(length, published());
    if (granted === 0 || messageId === undefined) {
      this.#answer(stored);
      return;
    }
    // MQTT 3.1.1 section 4.6: "It MUST send PUBACK packets in the order in which the corresponding PUBLISH packets were received".
    // A failure stops those behind it, too: the client sends them all again, in order.
    const before = this.#acknowledged;
    this.#acknowledged = before.then(() => stored).then(() => this.#out.answer({ cmd: 'puback', messageId }));
    this.#answer(this.#acknowledged);
  }

  #change({ length = 0 }: Packet, work: () => Promise<void>): void {
    this.#answer(this.#begin(length, this.#turns.take(work)));
  }

  /** Its bytes are free again when the work is done, also where it has failed: the share is that of connections to come, too. */
  #begin(bytes: number, work: Promise<void>): Promise<void> {
    this.#unanswered += 1;
    this.#share.take(bytes);
    const done = work.finally(() => this.#share.give(bytes));
    // Nothing more is read then, so the client does not send in vain what it must send again.
    done.catch(() => {
      this.#hasFailed = true;
    });
    return done;
  }

  #answer(answered: Promise<void>): void {
    answered.then(() => {
      this.#unanswered -= 1;
      this.#events.eased();
    }, this.#events.failed);
  }

  async #subscribe({ messageId = 0, subscriptions }: ISubscribePacket): Promise<void> {
    const granted: number[] = [];
    for (const { topic, qos } of subscriptions) {
      if (this.#isOver) return;
      granted.push(await this.#context.rules.subscribe(this.#client, topic, qos === 0 ? 0 : 1));
    }
    this.#out.answer({ cmd: 'suback', messageId, granted });
  }

  async #unsubscribe({ messageId = 0, unsubscriptions }: IUnsubscribePacket): Promise<void> {
    for (const filter of unsubscriptions) {
      if (this.#isOver) return;
      await this.#context.rules.unsubscribe(this.#client, filter);
    }
    this.#out.answer({ cmd: 'unsuback', messageId });
  }
}
