import type { MqttLink } from './mqtt-link.ts';

interface Mail {
  readonly topic: string;
  readonly body: string;
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
  put(topic: string, body: string): boolean {
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
