import { randomBytes } from 'node:crypto';
import type { IConnectPacket } from 'mqtt-packet';
import type { Log } from '../../machine/log.ts';
import type { Client, ClientRules } from '../ports.ts';
import { SparingLog } from '../sparing-log.ts';
import { Admission } from './admission.ts';
import type { Timers, WireLimits } from './limits.ts';
import { Share } from './share.ts';

/** A connection with a client. */
interface Seated {
  takenOver(isInRow: boolean): void;
}

/** Two clients with one identifier throw each other out for ever; a link that comes back does it now and then. */
const IN_ROW_MS = 60_000;
const IN_ROW = 3;

/** What all connections share. */
export class WireContext {
  readonly rules: ClientRules;
  readonly limits: WireLimits;
  readonly timers: Timers;
  readonly admission: Admission;
  readonly sparing: SparingLog;
  readonly #log: Log;
  readonly #shares = new Map<string, Share>();
  readonly #clients = new Map<string, { readonly connection: Seated; readonly at: number; readonly times: number }>();

  constructor(rules: ClientRules, limits: WireLimits, timers: Timers, log: Log) {
    this.rules = rules;
    this.limits = limits;
    this.timers = timers;
    this.admission = new Admission(limits);
    this.sparing = new SparingLog(log, () => timers.monotonic());
    this.#log = log;
  }

  /**
   * MQTT 3.1.1 section 3.1.4: "If the ClientId represents a Client already connected to the Server then the Server MUST disconnect
   * the existing Client". Of the same program only: all programs with an Azure SDK send the device id.
   */
  takeOver(client: Client, connection: Seated): void {
    const key = seatOf(client);
    const at = this.timers.monotonic();
    const before = this.#clients.get(key);
    const times = before !== undefined && at - before.at < IN_ROW_MS ? before.times + 1 : 0;
    before?.connection.takenOver(times >= IN_ROW);
    this.#clients.set(key, { connection, at, times });
  }

  shareOf(program: string): Share {
    const share = this.#shares.get(program) ?? new Share(this.limits.unansweredBytes);
    this.#shares.set(program, share);
    return share;
  }

  forget(client: Client, connection: Seated): void {
    const key = seatOf(client);
    if (this.#clients.get(key)?.connection === connection) this.#clients.delete(key);
  }

  /** For a client that sends none (MQTT 3.1.1 section 3.1.3.1). */
  freshId(): string {
    return `auto-${randomBytes(8).toString('hex')}`;
  }

  /** MQTT 3.1.1 section 3.1.2.5: published unless the client has sent DISCONNECT. */
  publishWill(client: Client, { topic, payload, qos }: NonNullable<IConnectPacket['will']>): void {
    const published = async () => this.rules.published(client, { topic, payload }, qos === 0 ? 0 : 1);
    published().catch((cause: unknown) => {
      this.sparing.warn('uplink-will-lost', client.program, 'its will is not published', String(cause));
    });
  }

  closed(client: Client, broke?: string): void {
    try {
      this.rules.left(client, broke);
    } catch (cause) {
      this.sparing.warn('uplink-closed', `Program ${client.program}`, 'its end is not noted', String(cause));
    }
  }

  ended(client: Client | undefined, why: string, isFault: boolean, cause: unknown): void {
    const who = client === undefined ? 'A connection of no program' : `Program ${client.program}`;
    if (isFault) this.sparing.warn('uplink-closed', who, `its connection is closed: ${why}`, causeOf(cause));
    else this.#log.debug({ event: 'uplink-closed', message: `${who}: its connection is closed: ${why}.` });
  }
}

/** No program has a line break in its name. */
const seatOf = ({ program, clientId }: Client): string => `${program}\n${clientId}`;

const LONGEST_CAUSE = 200;

/** A client chooses its user name: only so much of it. */
const causeOf = (cause: unknown): string | undefined =>
  cause === undefined ? undefined : String(cause instanceof Error ? cause.message : cause).slice(0, LONGEST_CAUSE);
