import type { IPublishPacket, ISubscribePacket, IUnsubscribePacket, Packet } from 'mqtt-packet';
import { Turns } from '../../time/turns.ts';
import type { Client, ClientRules } from '../ports.ts';
import type { WireContext } from './context.ts';
import type { PacketsOut } from './packets-out.ts';
import { Unanswered } from './unanswered.ts';
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
  readonly #rules: ClientRules;
  readonly #out: PacketsOut;
  readonly #unanswered: Unanswered;
  readonly #leave: () => void;
  /** Subscriptions change one after the other. */
  readonly #turns = new Turns();
  #isOver = false;

  constructor(client: Client, context: WireContext, out: PacketsOut, { eased, failed }: RequestEvents) {
    this.#client = client;
    this.#rules = context.rules;
    this.#out = out;
    const share = context.shareOf(client.program);
    this.#unanswered = new Unanswered(context.limits.unanswered, share, eased, failed);
    this.#leave = share.onEased(eased);
  }

  /** The client is gone. Its messages are stored all the same; its subscriptions are no more changed. */
  end(): void {
    this.#isOver = true;
    this.#leave();
  }

  get isFull(): boolean {
    return this.#unanswered.isFull;
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
    const published = async (granted: 0 | 1) => this.#rules.published(this.#client, message, granted);
    if (qos === 0 || messageId === undefined) this.#unanswered.anyTime(length, published(0));
    else this.#unanswered.inOrder(length, published(1), () => this.#out.answer({ cmd: 'puback', messageId }));
  }

  #change({ length = 0 }: Packet, work: () => Promise<void>): void {
    this.#unanswered.anyTime(length, this.#turns.take(work));
  }

  async #subscribe({ messageId = 0, subscriptions }: ISubscribePacket): Promise<void> {
    const granted: number[] = [];
    for (const { topic, qos } of subscriptions) {
      if (this.#isOver) return;
      granted.push(await this.#rules.subscribe(this.#client, topic, qos === 0 ? 0 : 1));
    }
    this.#out.answer({ cmd: 'suback', messageId, granted });
  }

  async #unsubscribe({ messageId = 0, unsubscriptions }: IUnsubscribePacket): Promise<void> {
    for (const filter of unsubscriptions) {
      if (this.#isOver) return;
      await this.#rules.unsubscribe(this.#client, filter);
    }
    this.#out.answer({ cmd: 'unsuback', messageId });
  }
}
