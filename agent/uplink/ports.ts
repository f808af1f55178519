/** A message as a program has sent it, or as one is to get it. */
export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** A message on disk. */
export interface Stored extends Message {
  /** Rises by one with each message of its queue. */
  readonly sequence: number;
  /** When it was stored: milliseconds since the epoch. */
  readonly at: number;
}

/** What a queue may hold. */
export interface QueueBounds {
  /** Of messages that are not dropped, records and all. On disk, up to one segment more: the first may be dropped in part. */
  readonly maxBytes: number;
  /**
   * Older messages are dropped, when the reader meets them or when room is needed; never at once, and each is counted.
   * The clock may be wrong: see queue/age.ts.
   */
  readonly maxAgeMs?: number | undefined;
}

/** What became of messages since the start, by a queue. */
export interface QueueCounts {
  /** Lost to `drop-oldest`, or to their age. */
  readonly dropped: number;
  /** Lost to damaged records on disk. */
  readonly damaged: number;
}

/**
 * Messages in order, on disk. A message that `append` has taken outlives a power cut, until it is `dropped`.
 * One reader: it takes messages by `next`, and drops them when the other side has acknowledged them.
 */
export interface MessageQueue {
  /** Messages that are not dropped yet. */
  readonly count: number;
  /** Their bytes on disk, records and all. */
  readonly bytes: number;
  /** When the oldest of them was stored, milliseconds since the epoch; undefined where there is none. */
  readonly oldestAt: number | undefined;
  /** All messages with a lower sequence are dropped. */
  readonly head: number;
  readonly counts: QueueCounts;
  /**
   * Fulfilled when the message is synced.
   * @param sender after a refusal its later messages are refused, too: they must not overtake the one that it will send again
   * @throws Fault NL-UPLINK-FULL beyond the bounds, where the queue refuses; NL-UPLINK-DISK where it cannot be written. The
   * message is not in the queue then, nor is it after a restart
   */
  append(message: Message, sender?: object): Promise<void>;
  /**
   * The next message that the reader has not taken since `rewind`; undefined where there is none now.
   * @throws Fault NL-UPLINK-DISK where it cannot be read; the next call tries it again
   */
  next(): Promise<Stored | undefined>;
  /** Drops this message. A power cut may bring back the last of the dropped messages, in order. */
  drop(message: Stored): void;
  /** Begins again with the first message that is not dropped. */
  rewind(): void;
  /** From now on. What is over it goes, or new messages are refused, when the next one comes. */
  bound(bounds: QueueBounds): void;
  /** Called after each message that was appended. */
  onAppend(listener: () => void): void;
  /** Syncs what is known of dropped messages. */
  close(): Promise<void>;
}

/** A client that has been authenticated as a program. */
export interface Client {
  /** The program whose socket or key it used. */
  readonly program: string;
  readonly clientId: string;
  /** MQTT 3.1.1 section 3.1.2.4. */
  readonly clean: boolean;
  /**
   * Sends a PUBLISH. QoS 1: fulfilled by the PUBACK. QoS 0: when it is handed to the socket.
   * @throws Error when the client goes before
   */
  publish(message: Message, qos: 0 | 1): Promise<void>;
  /** Ends the connection. MQTT 3.1.1 has no word for it: `reason` is for the log. */
  end(reason: string): void;
}

/** What the server asks; the server itself knows MQTT, and nothing of hubs. */
export interface ClientRules {
  /** After CONNECT, before CONNACK 0. @returns whether there is a session of before (MQTT 3.1.1 section 3.2.2.2) */
  joined(client: Client): Promise<boolean>;
  /**
   * A PUBLISH; the next one of the client is read meanwhile, up to a bound. QoS 1: the PUBACK goes out when the promise is
   * fulfilled, in the order of arrival. Rejected, the connection is closed without it.
   */
  published(client: Client, message: Message, qos: 0 | 1): Promise<void>;
  /** @returns the granted QoS, or 128 */
  subscribe(client: Client, filter: string, qos: 0 | 1): Promise<0 | 1 | 128>;
  unsubscribe(client: Client, filter: string): Promise<void>;
  /** The connection is over. @param broke over what it was closed, where the client did what it must not do */
  left(client: Client, broke?: string): void;
}

/** Finds the program of a CONNECT. @returns its name, or the code of the CONNACK that refuses it (4: bad password, 5) */
export type Authenticate = (connect: {
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
}) => string | 4 | 5;
