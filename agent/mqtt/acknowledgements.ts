interface Owed {
  readonly messageId: number;
  isDue: boolean;
}

/**
 * The PUBACKs that are owed to the server. MQTT 3.1.1 section 4.6: "It MUST send PUBACK packets in the order in which the
 * corresponding PUBLISH packets were received". A hub ends the session otherwise (azure-iot-sdk-csharp#674).
 */
export class Acknowledgements {
  readonly #owed: Owed[] = [];
  readonly #send: (packet: Buffer) => void;

  constructor(send: (packet: Buffer) => void) {
    this.#send = send;
  }

  /**
   * @param taken a promise: the PUBACK waits until it is fulfilled. Where it is rejected, the PUBACK is never sent, nor those
   * behind it: the server sends all these messages again on the next connection
   */
  owe(messageId: number, taken: boolean | Promise<void>): void {
    const owed = { messageId, isDue: false };
    this.#owed.push(owed);
    const due = () => {
      owed.isDue = true;
      this.#sendDue();
    };
    if (typeof taken === 'boolean') due();
    else taken.then(due, () => {});
  }

  #sendDue(): void {
    for (let [first] = this.#owed; first?.isDue; [first] = this.#owed) {
      this.#owed.shift();
      // MQTT 3.1.1 section 3.4.
      this.#send(Buffer.of(0x40, 2, first.messageId >> 8, first.messageId & 0xff));
    }
  }
}
