export type HubName = 'hub1' | 'hub2';
export type ServerName = 'dps' | HubName | 'est';
/** Azure Resource Manager has a service side alone. */
export type RestName = ServerName | 'arm';

export type LogEvent =
  | 'tcp' // a TCP connection reached the port
  | 'tls' // its TLS handshake is done; thumbprint and chain length of what was presented
  | 'tls-failed'
  | 'websocket' // the connection speaks MQTT in WebSockets from now on
  | 'connack' // code 0 to 5, whatever the reason
  | 'closed-before-connack'
  | 'connected' // hub: CONNACK 0 was sent
  | 'disconnected' // after CONNACK 0; reason
  | 'subscribed' // reason is the topic filter
  | 'register' // DPS: a registration request came in
  | 'challenge' // DPS: a TPM asked for a key to prove itself with
  | 'poll'
  | 'lookup' // DPS: the state of a registration was asked for over HTTPS; code is the HTTP status
  | 'assigned'
  | 'refused' // DPS or EST: answered, and said no; errorCode and reason
  | 'twin'
  | 'reported'
  | 'desired'
  | 'awaited' // hub: a method waits for the device to subscribe
  | 'method' // sent to the device
  | 'method-answer'
  | 'telemetry' // hub: it was taken; code is its index, reason its property bag, and body is there where it is short
  | 'message' // hub: a cloud-to-device message went out; code says for the how manieth time
  | 'message-acknowledged'
  | 'job' // hub: a job has ended; reason is its ID and how
  | 'turned-down' // REST: refused; code is the number of the error
  | 'registry' // hub: an identity was written; reason says how
  | 'credentials' // hub: a request for a certificate came in; reason is its rid
  | 'request' // EST: an HTTP request; reason is its path
  | 'issued' // EST or a hub: the certificate went out
  | 'fault'; // a fault acted; reason is its name

/** One thing that was judged. Times are milliseconds since the epoch, thumbprints SHA-256 of the DER in upper-case hex. */
export interface Entry {
  readonly seq: number;
  readonly at: number;
  readonly server: RestName;
  readonly event: LogEvent;
  /** Numbers the TCP connections of the whole simulator. */
  readonly connection?: number;
  readonly thumbprint?: string;
  /** Certificates presented, the leaf included. */
  readonly chain?: number;
  readonly clientId?: string;
  readonly username?: string;
  /** CONNACK code, HTTP status, DPS error code, status of a method or index of a message, as the event has it. */
  readonly code?: number;
  readonly reason?: string;
  readonly hub?: string;
  readonly body?: unknown;
}

export type Fields = Omit<Entry, 'seq' | 'at' | 'server' | 'event'>;
/** What to look for: fields that must be equal, or a predicate. */
export type Query = Partial<Entry> | ((entry: Entry) => boolean);

export const matcher = (query: Query): ((entry: Entry) => boolean) => {
  if (typeof query === 'function') return query;
  const wanted = Object.entries(query);
  return (entry) => wanted.every(([name, value]) => entry[name as keyof Entry] === value);
};

/** Append-only record of everything the simulator judged. */
export class Log {
  readonly entries: Entry[] = [];
  readonly #watchers = new Set<(entry: Entry) => void>();

  add(server: RestName, event: LogEvent, fields: Fields = {}): Entry {
    const at = performance.timeOrigin + performance.now();
    const entry = { seq: this.entries.length + 1, at, server, event, ...fields };
    this.entries.push(entry);
    for (const watcher of [...this.#watchers]) watcher(entry);
    return entry;
  }

  /** Entries after the sequence number; 0 gives all. */
  since(seq: number): Entry[] {
    return this.entries.slice(seq);
  }

  matching(query: Query): Entry[] {
    return this.entries.filter(matcher(query));
  }

  count(query: Query): number {
    return this.matching(query).length;
  }

  /** How often a device asked DPS to register (polls not counted). */
  registrations(clientId?: string): number {
    return this.count({ event: 'register', ...(clientId === undefined ? {} : { clientId }) });
  }

  /** How many TLS connections were made with this leaf, to one server or to all. */
  connections(thumbprint: string, server?: ServerName): number {
    return this.count({ event: 'tls', thumbprint, ...(server === undefined ? {} : { server }) });
  }

  /**
   * The first entry after `since` that matches, at once if it is there already.
   * Rejects after `timeoutMs`, with the tail of the log in the message.
   */
  waitFor(query: Query, timeoutMs = 60_000, since = 0): Promise<Entry> {
    const matches = matcher(query);
    const present = this.entries.slice(since).find(matches);
    if (present !== undefined) return Promise.resolve(present);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers.delete(watcher);
        const tail = this.entries.slice(-20).map((entry) => JSON.stringify(entry));
        const wanted = typeof query === 'function' ? String(query) : JSON.stringify(query);
        reject(new Error(`no entry in ${timeoutMs} ms for ${wanted}; the log ends:\n${tail.join('\n')}`));
      }, timeoutMs);
      const watcher = (entry: Entry): void => {
        if (matches(entry)) {
          clearTimeout(timer);
          this.#watchers.delete(watcher);
          resolve(entry);
        }
      };
      this.#watchers.add(watcher);
    });
  }
}
