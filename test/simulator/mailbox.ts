import { type Property, writeBag } from './bag.ts';
import type { MqttLink } from './mqtt-link.ts';

/** A cloud-to-device message beside its body. */
export interface MailOptions {
  /** Application properties. Null: the topic has the name alone. */
  readonly properties?: Readonly<Record<string, string | null>>;
  /** System properties by their short names: cid, uid, ct, ce, exp; `mid` is made where it is left out. */
  readonly system?: Readonly<Record<string, string>>;
  /** What the back end wants to be told of its delivery. */
  readonly ack?: 'none' | 'positive' | 'negative' | 'full';
  /** The body is in base64. */
  readonly base64?: boolean;
}

/** "Cloud-to-device messages … up to 64 KB" (iot-hub-devguide-messages-c2d). */
export const LARGEST_MAIL = 65_536;

/** The topic that a message goes out by, properties and all. */
export function mailTopic(deviceId: string, messageId: string, { properties, system, ack }: MailOptions): string {
  const named = { mid: messageId, to: `/devices/${deviceId}/messages/deviceBound`, ...system };
  const bag: Property[] = [
    ...Object.entries(named).map(([name, value]): Property => [`$.${name}`, value]),
    ...(ack === undefined ? [] : [['iothub-ack', ack] as const]),
    ...Object.entries(properties ?? {}),
  ];
  return `devices/${deviceId}/messages/devicebound/${writeBag(bag)}`;
}

interface Mail {
  readonly topic: string;
  readonly body: Buffer;
  /** How often it went out. */
  sent: number;
  /** The connection on which it waits for its PUBACK. */
  on: MqttLink | undefined;
}

/** "The cloud-to-device queue holds at most 50 pending messages for each device" (iot-hub-devguide-messages-c2d). */
const ROOM = 50;

/** The cloud-to-device messages of one device: kept until the device acknowledges them. */
export class Mailbox {
  readonly #waiting: Mail[] = [];

  /** False where there is no room. */
  put(topic: string, body: Buffer): boolean {
    if (this.#waiting.length >= ROOM) return false;
    this.#waiting.push({ topic, body, sent: 0, on: undefined });
    return true;
  }

  /** Sends what this connection has not been sent yet, if it has subscribed. */
  deliver(link: MqttLink, sent: (mail: Readonly<Mail>) => void, taken: (mail: Readonly<Mail>) => void): void {
    for (const mail of [...this.#waiting]) {
      if (mail.on === link) continue;
      const done = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(mail), 1);
        taken(mail);
      };
      if (!link.publish(mail.topic, mail.body, { again: mail.sent > 0, acknowledged: done })) continue;
      mail.on = link;
      mail.sent += 1;
      sent(mail);
    }
  }
}
