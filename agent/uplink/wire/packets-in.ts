import type { IConnectPacket, IPublishPacket, Packet } from 'mqtt-packet';
import { mqttPacket } from '../../mqtt/packets.ts';
import { demand, Violation, WrongLevel } from './violation.ts';

/** MQTT 3.1.1 section 1.5.3: U+0000 must not be in a string, and ill-formed UTF-8 closes the connection; node makes U+FFFD of it. */
const ODD = /[\0\ufffd]/;

/** What MQTT 3.1.1 section 4.7.1.1 forbids in the topic of a message. */
const WILDCARD = /[#+]/;

/** Reads the packets of one client, one whole packet at a time, and checks what mqtt-packet 6.10.0 does not. */
export class PacketsIn {
  readonly #parser = mqttPacket.parser();
  readonly #filters: number;
  #packet: Packet | undefined;
  #error: unknown;

  constructor(filters: number) {
    this.#filters = filters;
    this.#parser.on('packet', (packet) => {
      this.#packet = packet;
    });
    this.#parser.on('error', (error) => {
      this.#error ??= error;
    });
  }

  /** @throws Violation; the connection is of no more use then */
  read(frame: Buffer): Packet {
    this.#packet = undefined;
    try {
      this.#parser.parse(frame);
    } catch (error) {
      this.#error ??= error;
    }
    if (this.#error !== undefined) {
      const why = this.#error instanceof Error ? this.#error.message : String(this.#error);
      throw why === 'Invalid protocol version' ? new WrongLevel() : new Violation(why);
    }
    const packet = this.#packet as Packet | undefined;
    demand(packet !== undefined, 'an incomplete packet');
    this.#check(packet, frame);
    return packet;
  }

  #check(packet: Packet, frame: Buffer): void {
    const { cmd, length = 0 } = packet;
    if (cmd === 'connect') checkConnect(packet, frame[frame.length - length + 7] ?? 0);
    else if (cmd === 'publish') checkPublish(packet, length);
    else if (cmd === 'puback') {
      checkId(packet.messageId);
      demand(length === 2, 'a PUBACK of the wrong length');
    } else if (cmd === 'subscribe') {
      this.#checkFilters(
        packet.messageId,
        packet.subscriptions.map(({ topic }) => topic),
      );
      demand(
        packet.subscriptions.every(({ qos }) => qos <= 2),
        'a QoS of 3',
      );
    } else if (cmd === 'unsubscribe') this.#checkFilters(packet.messageId, packet.unsubscriptions);
    else demand(length === 0 && (cmd === 'pingreq' || cmd === 'disconnect'), 'a packet that no client sends');
  }

  /** MQTT 3.1.1 sections 3.8.3 and 3.10.3: at least one filter, of at least one character. */
  #checkFilters(messageId: number | undefined, filters: readonly string[]): void {
    checkId(messageId);
    demand(filters.length > 0, 'no topic filter');
    demand(filters.length <= this.#filters, 'too many topic filters');
    demand(!filters.some((filter) => filter === '' || ODD.test(filter)), 'a malformed topic filter');
  }
}

/** mqtt-packet 6.10.0 makes −1 of an identifier that is not there. MQTT 3.1.1 section 2.3.1: it is never 0. */
const checkId = (id: number | undefined): void => demand(id !== undefined && id > 0, 'no packet identifier');

/** @throws Violation for a name that no message can have */
function checkTopic(topic: string): void {
  demand(topic !== '', 'an empty topic');
  demand(!WILDCARD.test(topic), 'a topic with a wildcard');
  demand(!ODD.test(topic), 'a malformed topic');
}

function checkPublish({ qos, topic, messageId }: IPublishPacket, length: number): void {
  // As the hub does (articles/iot-hub/iot-mqtt-connect-to-iot-hub.md): it closes the connection over QoS 2.
  demand(qos < 2, 'a message of QoS 2');
  checkTopic(topic);
  if (qos === 0) return;
  checkId(messageId);
  // mqtt-packet 6.10.0 would read it beyond the end of the packet.
  demand(2 + Buffer.byteLength(topic) + 2 <= length, 'an incomplete packet');
}

/** MQTT 3.1.1 section 3.1.2: flags that the parser passes over. */
function checkConnect(packet: IConnectPacket, flags: number): void {
  const { clientId, username = '', will } = packet;
  // A bridge of mosquitto adds 128 to the level.
  const isOther = packet.protocolVersion !== 4 || packet.protocolId !== 'MQTT' || 'bridgeMode' in packet;
  if (isOther) throw new WrongLevel(packet.protocolVersion);
  const [hasName, hasPassword, hasWill] = [flags & 0x80, flags & 0x40, flags & 0x04];
  demand((flags & 0x01) === 0, 'a reserved flag in CONNECT');
  demand(hasName !== 0 || hasPassword === 0, 'a password without a user name');
  demand(hasWill !== 0 || (flags & 0x38) === 0, 'flags of a will without a will');
  demand(!ODD.test(clientId) && !ODD.test(username), 'a malformed name in CONNECT');
  if (will === undefined) return;
  demand((will.qos ?? 0) < 2, 'a will of QoS 2');
  checkTopic(will.topic);
}
