/** In milliseconds. */
export interface PingTimes {
  /** In CONNECT: a server ends a session that is silent for 1.5 times as long (MQTT 3.1.1 section 3.1.2.10). */
  readonly promisedMs: number;
  /** From ping to ping. */
  readonly everyMs: number;
  /** How long the answer to a ping may take. */
  readonly answerMs: number;
}

/**
 * 180 s as azure-iot-mqtt-base 1.13.3 has it. An answer that comes after a minute is no answer: TCP has sent the ping eight
 * times by then. Together they are less than five minutes, the longest time without knowing that the hub is not there.
 */
export const USUAL: PingTimes = { promisedMs: 180_000, everyMs: 180_000, answerMs: 60_000 };

/** The silence in which a connection ended, in milliseconds: what a box on the way may have ended it for. */
export interface Quiet {
  /** The longest time without a packet in either direction since the server was heard last. */
  readonly idleMs: number;
  /** It did not end during that time: what was sent after it got no answer. */
  readonly isUnanswered: boolean;
  /** The longest time without a packet after which the server was heard. */
  readonly outlivedMs: number;
}

/** MQTT 3.1.1 section 3.12: a PINGREQ has no variable header and no payload. */
const PINGREQ = Buffer.from([0xc0, 0x00]);

/**
 * The pings of one connection. mqtt 4.3.8 ends a half-open connection with its second ping only, within twice the keepalive,
 * and has no shorter time between pings than the one in CONNECT. These go out also while others are sent: a connection that
 * is dead must be noticed by a client that goes on writing.
 */
export class Pings {
  readonly #times: PingTimes;
  readonly #write: (packet: Buffer) => void;
  readonly #silent: () => void;
  #interval: NodeJS.Timeout | undefined;
  /** Runs while a ping has no answer. */
  #deadline: NodeJS.Timeout | undefined;
  #packetAt = 0;
  #idleMs = 0;
  #outlivedMs = 0;

  /** @param silent called when a ping has had no answer */
  constructor(times: PingTimes, write: (packet: Buffer) => void, silent: () => void) {
    this.#times = times;
    this.#write = write;
    this.#silent = silent;
  }

  /** After CONNACK 0. */
  begin(): void {
    const { everyMs, answerMs } = this.#times;
    this.#packetAt = performance.now();
    [this.#idleMs, this.#outlivedMs] = [0, 0];
    this.#interval = setInterval(() => {
      this.#write(PINGREQ);
      this.#deadline ??= setTimeout(this.#silent, answerMs);
    }, everyMs);
  }

  /** A packet goes out. */
  sent(): void {
    const now = performance.now();
    this.#idleMs = Math.max(this.#idleMs, now - this.#packetAt);
    this.#packetAt = now;
  }

  /** Something comes from the server: of a large packet on a slow line, any part. */
  heard(): void {
    this.sent();
    this.#outlivedMs = Math.max(this.#outlivedMs, this.#idleMs);
    this.#idleMs = 0;
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  /** The connection is gone. Undefined where it never had CONNACK 0. */
  end(): Quiet | undefined {
    if (this.#interval === undefined) return undefined;
    clearInterval(this.#interval);
    clearTimeout(this.#deadline);
    const lastMs = performance.now() - this.#packetAt;
    return {
      idleMs: Math.max(this.#idleMs, lastMs),
      isUnanswered: this.#deadline !== undefined || lastMs < this.#idleMs,
      outlivedMs: this.#outlivedMs,
    };
  }
}
